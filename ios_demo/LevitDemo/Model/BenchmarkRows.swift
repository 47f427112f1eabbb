import Foundation
import LevitMobileKit

/// Whether a row has times, and if not, why.
enum Outcome: Int, Sendable {
    /// The self-check passed, and the step was timed.
    case timed
    /// The self-check failed, so the step was not timed.
    case broken
    /// The device could not run the step, so nothing is known about it.
    case notRun
}

/// One step of a finished benchmark.
struct BenchmarkRow: Sendable, Equatable, Identifiable {
    /// Name of the step, unique in the table.
    let name: String
    /// What Core ML was asked for; nil for the other runtimes.
    let computeUnits: ComputeUnits?
    /// Number of CPU threads; nil for Core ML.
    let threads: Int?
    let outcome: Outcome
    /// Verdict of the self-check on this device.
    let verdict: Verdict
    /// Why it has no times, one sentence each.
    let reasons: [String]
    /// Time from the file to a model that can run, in ms.
    let loadMs: Double?
    /// Time of the first inference, in ms.
    let firstRunMs: Double?
    /// Statistics of the inference alone.
    let inference: Summary?
    /// Statistics from a decoded image to logits.
    let endToEnd: Summary?
    /// Peak memory in bytes.
    let peakMemoryBytes: Int?
    /// Remarks on the times, one sentence each.
    let notes: [String]
    /// Median divided by the fastest row's; nil without times.
    var ratio: Double?

    var id: String { name }

    /// The row of a record's timing, without its ratio.
    init(_ timing: Timing) {
        name = timing.name
        (computeUnits, threads) = (timing.computeUnits, timing.threads)
        (outcome, verdict) = (Self.outcome(timing), timing.parity.verdict)
        reasons = [timing.notRun].compactMap { $0 } + timing.parity.reasons.filter { $0 != timing.notRun }
        (loadMs, firstRunMs) = (timing.loadMs.first, timing.firstRunMs.first)
        (inference, endToEnd) = (Summary(timing.samplesMs), Summary(timing.endToEndSamplesMs))
        peakMemoryBytes = timing.peakMemoryBytes.max()
        notes = timing.notes
    }

    private static func outcome(_ timing: Timing) -> Outcome {
        if timing.parity.verdict == .broken { return .broken }
        return timing.samplesMs.isEmpty ? .notRun : .timed
    }
}

/// The table of a finished benchmark.
struct BenchmarkRows: Sendable, Equatable {
    /// The timed rows, fastest first, then the others.
    let rows: [BenchmarkRow]
    /// Why the benchmark ended early; nil if all rounds ran.
    let incomplete: String?
    /// Time waited for the device to cool, in s; nil if it was not asked to wait.
    let coolingS: Double?
    /// File of the timing record; nil if it could not be written.
    let record: URL?

    /// The table of a record.
    init(_ record: TimingRecord, file: URL?) {
        rows = Self.sorted(record.timings.map(BenchmarkRow.init))
        (incomplete, coolingS, self.record) = (record.incomplete, record.coolingS, file)
    }

    /// Whether any step has times.
    var hasTimes: Bool { rows.contains { $0.outcome == .timed } }

    private static func sorted(_ rows: [BenchmarkRow]) -> [BenchmarkRow] {
        let timed = rows.filter { $0.outcome == .timed }.sorted { median($0) < median($1) }
        let fastest = timed.first.map(median) ?? 0
        let others = rows.filter { $0.outcome != .timed }.sorted { $0.outcome.rawValue < $1.outcome.rawValue }
        return timed.map { row in
            var row = row
            row.ratio = fastest > 0 ? median(row) / fastest : nil
            return row
        } + others
    }

    private static func median(_ row: BenchmarkRow) -> Double { row.inference?.medianMs ?? .infinity }
}
