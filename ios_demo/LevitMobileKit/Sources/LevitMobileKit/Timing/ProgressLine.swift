import Foundation

/// One line of a run's `NAME.progress.jsonl`: what the run does, for a host that watches it.
///
/// The fields are those of the Kotlin class of the same name, and of `Line` in Python.
public struct ProgressLine: Sendable, Equatable, Codable {
    /// What has happened.
    public let event: Event
    /// Name of the record without `.json`.
    public let run: String
    /// Rounds of all steps that are done, the warm-up included.
    public var done = 0
    /// All of them; 0 when unknown.
    public var total = 0
    /// Name of the step; nil where it concerns all.
    public var step: String?
    /// What the step does, in the words of `SessionMoment.Phase.doing`.
    public var phase: String?
    /// Time waited for the device to cool, in ms; nil unless it waits.
    public var coolingMs: Int?
    /// The record's file in the app's container, once it is there.
    public var record: String?
    /// Why it failed or ended early.
    public var reason: String?

    /// What has happened.
    public enum Event: String, Sendable, Codable, CaseIterable {
        /// The plan was accepted.
        case started
        /// The next phase of a step has begun, the device has to cool, or a phase goes on.
        case moment
        /// The record was written: after each step, and at the end.
        case measured
        /// The run has ended, and the record is there.
        case finished
        /// There is no record of the whole run.
        case failed
        /// The user or the system has cancelled the run.
        case cancelled
    }

    enum CodingKeys: String, CodingKey {
        case event, run, done, total, step, phase, record, reason
        case coolingMs = "cooling_ms"
    }

    public init(_ event: Event, run: String) {
        (self.event, self.run) = (event, run)
    }

    /// The line, without its end. Fields that are nil are left out.
    public func write() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and integers can always be encoded.
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// Writes the lines of one run.
///
/// A moment gets a line where its step or its phase is new, and once a second within a phase. Moments are reported
/// between two calls of the runtime, by the thread that makes the calls, and a line is written at once. So no timed call
/// contains the writing of a line, or runs beside it.
public final class ProgressWriter: @unchecked Sendable {
    static let everyNs: UInt64 = 1_000_000_000

    private let folder: HostFolder
    private let run: String
    private let now: @Sendable () -> UInt64
    /// Guards what follows.
    private let lock = NSLock()
    private var last: ProgressLine
    private var writtenNs: UInt64 = 0

    /// Begins a run with the line `started`; lines of an earlier run of that name are removed.
    ///
    /// - Parameters:
    ///   - folder: Where the file is.
    ///   - run: Name of the record.
    ///   - total: Rounds of all steps, the warm-up included.
    ///   - now: Monotonic time in ns. Default: the system's clock that never goes back.
    public init(
        _ folder: HostFolder, run: String, total: Int,
        now: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }
    ) {
        (self.folder, self.run, self.now) = (folder, run, now)
        last = ProgressLine(.started, run: run)
        last.total = total
        folder.startLines(run)
        folder.append(last)
    }

    /// Writes a line for a moment, unless the phase has one from the last second.
    public func note(_ moment: SessionMoment) {
        lock.withLock {
            let (step, phase, time) = (moment.step.name, moment.phase.doing, now())
            let isNew = last.event != .moment || last.step != step || last.phase != phase
            guard isNew || time - writtenNs >= Self.everyNs else { return }
            var line = ProgressLine(.moment, run: run)
            (line.done, line.total, line.step, line.phase) = (moment.done, moment.total, step, phase)
            line.coolingMs = moment.phase == .cooling ? moment.coolingMs : nil
            write(line)
            writtenNs = time
        }
    }

    /// Writes that the record was written.
    public func measured() {
        end(.measured)
    }

    /// Writes how the run has ended.
    ///
    /// - Parameter reason: Why it failed, or ended early.
    public func end(_ event: ProgressLine.Event, reason: String? = nil) {
        lock.withLock {
            var line = ProgressLine(event, run: run)
            (line.done, line.total, line.reason) = (last.done, last.total, reason)
            if event == .measured || event == .finished { line.record = HostFolder.path(of: run) }
            write(line)
        }
    }

    private func write(_ line: ProgressLine) {
        folder.append(line)
        last = line
    }
}
