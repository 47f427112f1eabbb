import Foundation
import LevitMobileKit

/// Sentences of the string catalog, numbers with their units, and names, for a language of any direction.
///
/// Each number and name is a bidi isolate: without one, a right-to-left sentence shows the parts of `25.07 ms` in another
/// order.
struct Words: Sendable {
    private let locale: Locale
    private let lookUp: @Sendable (String) -> String

    /// - Parameters:
    ///   - locale: How numbers are written.
    ///   - lookUp: The text of a key in the user's language.
    init(
        locale: Locale = .current,
        lookUp: @escaping @Sendable (String) -> String = {
            Bundle.main.localizedString(forKey: $0, value: nil, table: nil)
        }
    ) {
        (self.locale, self.lookUp) = (locale, lookUp)
    }

    /// The text of a key with its values in place of `%1$@`, `%2$@` and so on.
    func text(_ key: String, _ values: String...) -> String {
        values.enumerated().reduce(lookUp(key)) { text, value in
            text.replacing("%\(value.offset + 1)$@", with: value.element)
        }
    }

    /// The text of a key in the plural that the numbers need.
    func plural(_ key: String, _ numbers: Int...) -> String {
        String(format: lookUp(key), locale: locale, arguments: numbers)
    }

    /// A time, such as `25.07 ms`.
    func milliseconds(_ ms: Double) -> String { unit("unit_milliseconds", number(ms, ms < 100 ? 2 : 1)) }

    /// A time in whole seconds.
    func seconds(_ s: Double) -> String { unit("unit_seconds", number(s, 0)) }

    /// A frequency of frames.
    func framesPerSecond(_ frames: Double) -> String {
        unit("unit_frames_per_second", number(frames, frames < 10 ? 1 : 0))
    }

    /// A share of 1, such as `87.5%`.
    func percent(_ share: Double) -> String {
        isolate(share.formatted(.percent.precision(.fractionLength(1)).locale(locale)))
    }

    /// A size in megabytes of a million bytes, or in kilobytes.
    func bytes(_ bytes: Int) -> String {
        bytes < 1_000_000
            ? unit("unit_kilobytes", number(Double(bytes) / 1e3, 1))
            : unit("unit_megabytes", number(Double(bytes) / 1e6, 1))
    }

    /// A signal-to-noise ratio in dB.
    func decibels(_ db: Double) -> String { unit("unit_decibels", db.isInfinite ? "∞" : number(db, 1)) }

    /// A time divided by the fastest one, such as `1.25×`.
    func ratio(_ ratio: Double) -> String { unit("unit_times", number(ratio, 2)) }

    /// A count.
    func count(_ number: Int) -> String { isolate(self.number(Double(number), 0)) }

    /// A number without a unit, with so many digits after the point.
    func fixed(_ value: Double, digits: Int) -> String { isolate(number(value, digits)) }

    /// A small number, such as `3.34e-06`.
    func small(_ value: Double) -> String { isolate(String(format: "%.2e", value)) }

    /// Sizes, such as `1 × 3 × 224 × 224`.
    func sizes(_ sizes: [Int]) -> String { isolate(sizes.map(String.init).joined(separator: " × ")) }

    /// Where a bundle runs.
    func accelerator(_ accelerator: Accelerator) -> String {
        switch accelerator {
        case .cpu: text("cpu")
        case .gpu: text("gpu")
        case .neuralEngine: text("neural_engine")
        }
    }

    /// Where a bundle runs, such as `CPU, 4 threads`; without threads for Core ML.
    func engine(_ accelerator: Accelerator, threads: Int?) -> String {
        guard accelerator == .cpu, let threads else { return self.accelerator(accelerator) }
        return plural("cpu_threads", threads)
    }

    /// The same for a row of a benchmark.
    func engine(_ row: BenchmarkRow) -> String {
        switch row.computeUnits {
        case .cpuAndGPU: accelerator(.gpu)
        case .cpuAndNeuralEngine, .all: accelerator(.neuralEngine)
        case .cpuOnly: accelerator(.cpu)
        case nil: engine(.cpu, threads: row.threads)
        }
    }

    /// A bundle's or a step's name, which may be broken behind its hyphens and underscores.
    func name(_ text: String) -> String {
        isolate(text.replacing(/[-_]/) { "\($0.output)\u{200b}" })
    }

    /// A name or a number that keeps its own direction in a sentence.
    func isolate(_ text: some StringProtocol) -> String { "\u{2068}\(text)\u{2069}" }

    private func unit(_ key: String, _ number: String) -> String { isolate(text(key, number)) }

    private func number(_ value: Double, _ digits: Int) -> String {
        value.formatted(.number.precision(.fractionLength(digits)).locale(locale))
    }
}
