import Foundation
import LevitMobileKit
import Testing

@testable import LevitDemoModel

/// The sentences of the string catalog, as the screens fill them.
@Suite("Words")
struct WordsTests {
    private static let catalog = catalogTexts()
    private let words = Words(locale: Locale(identifier: "en_US")) { catalog[$0] ?? $0 }
    private let german = Words(locale: Locale(identifier: "de_DE")) { catalog[$0] ?? $0 }

    /// The English texts by their keys; of a plural, the form for many.
    private static func catalogTexts() -> [String: String] {
        let file = Sample.repository.appendingPathComponent("ios_demo/LevitDemo/Localizable.xcstrings")
        guard let data = try? Data(contentsOf: file),
            let catalog = try? JSONDecoder().decode(StringCatalog.self, from: data)
        else { return [:] }
        return catalog.strings.compactMapValues { $0.localizations["en"]?.text }
    }

    /// Without the marks of direction.
    private func plain(_ text: String) -> String {
        text.filter { !"\u{2068}\u{2069}\u{200b}".contains($0) }
    }

    @Test("Numbers have their units and the language's separators")
    func numbers() {
        #expect(words.milliseconds(25.066) == "\u{2068}25.07 ms\u{2069}")
        #expect(plain(german.milliseconds(25.066)) == "25,07 ms")
        #expect(plain(words.milliseconds(250)) == "250.0 ms")
        #expect(plain(words.framesPerSecond(9.96)) == "10.0 fps")
        #expect(plain(words.framesPerSecond(29.6)) == "30 fps")
        #expect(plain(words.percent(0.875)) == "87.5%")
        #expect(plain(words.bytes(12_345)) == "12.3 kB")
        #expect(plain(words.bytes(12_345_678)) == "12.3 MB")
        #expect(plain(words.decibels(.infinity)) == "∞ dB")
        #expect(plain(words.ratio(1.25)) == "1.25×")
        #expect(plain(words.count(1_234_567)) == "1,234,567")
        #expect(plain(words.small(0.00000334)) == "3.34e-06")
        #expect(plain(words.sizes([1, 3, 224, 224])) == "1 × 3 × 224 × 224")
        #expect(plain(words.seconds(12.4)) == "12 s")
    }

    @Test("A name may be broken behind its hyphens and underscores")
    func names() {
        #expect(words.name("levit_128s-fp16") == "\u{2068}levit_\u{200b}128s-\u{200b}fp16\u{2069}")
    }

    @Test("A row states which unit Core ML was asked for, or the number of threads")
    func engines() {
        func row(_ units: ComputeUnits?, _ threads: Int?) -> BenchmarkRow {
            BenchmarkRow(Sample.timing("a") { ($0.computeUnits, $0.threads) = (units, threads) })
        }
        #expect(words.engine(row(.cpuOnly, nil)) == "CPU")
        #expect(words.engine(row(.cpuAndGPU, nil)) == "GPU")
        #expect(words.engine(row(.cpuAndNeuralEngine, nil)) == "Neural Engine")
        #expect(words.engine(row(nil, 4)) == "CPU, 4 threads")
    }

    @Test("Values take the places that the sentence gives them")
    func places() {
        let swapped = Words { _ in "%2$@ before %1$@" }
        #expect(swapped.text("any", "a", "b") == "b before a")
        #expect(words.text("step_words", "a", "GPU") == "a on GPU")
    }

    @Test("Every failure has its title and its text in the catalog", arguments: FailureReason.Code.allCases)
    func failures(code: FailureReason.Code) {
        let found = FailureWords(FailureReason(code, detail: "7"))
        #expect(Self.catalog[found.title] != nil, "\(found.title)")
        #expect(Self.catalog[found.text] != nil, "\(found.text)")
        if let action = found.action { #expect(Self.catalog[action.rawValue] != nil) }
    }

    @Test("A failure offers what the user can do, and quotes what helps")
    func actions() {
        func found(_ code: FailureReason.Code, _ detail: String = "") -> FailureWords {
            FailureWords(FailureReason(code, detail: detail))
        }
        #expect(found(.noBundle).action == nil)
        #expect(found(.noBundle).detail == "levit-mobile deploy BUNDLE --to ios_demo")
        #expect(found(.unsupportedBundle, "model.onnx").action == nil)
        #expect(found(.unsupportedBundle, "model.onnx").detail == "model.onnx")
        #expect(found(.diskFull, "7000000").neededBytes == 7_000_000)
        #expect(found(.diskFull, "7000000").detail.isEmpty)
        #expect(found(.diskFull).text == "failed_disk_full")
        #expect(found(.processDied, "ml-gpu").detail == "ml-gpu")
        #expect(found(.noCamera).action == .retry)
        #expect(!found(.noCamera).isAlarming)
        #expect(found(.brokenBundle).isAlarming)
    }
}

/// The parts of a string catalog that the tests read.
private struct StringCatalog: Decodable {
    let strings: [String: Entry]

    struct Entry: Decodable {
        let localizations: [String: Localization]
    }

    struct Localization: Decodable {
        let stringUnit: Unit?
        let variations: Variations?

        var text: String? { stringUnit?.value ?? variations?.plural["other"]?.stringUnit.value }
    }

    struct Variations: Decodable {
        let plural: [String: Form]
    }

    struct Form: Decodable {
        let stringUnit: Unit
    }

    struct Unit: Decodable {
        let value: String
    }
}
