import Foundation

/// A file that exists while a step runs, so that the next process knows what killed the last one.
///
/// A driver or the system's memory limit can end the whole process. The step that was running is then not run again but
/// reported as not run.
public struct RunMarker: Sendable {
    private let folder: URL
    private var file: URL { folder.appendingPathComponent("running.json") }

    /// - Parameter folder: Folder that survives the process, such as one in Application Support.
    public init(_ folder: URL) {
        self.folder = folder
    }

    /// Notes that a step begins, or its next phase.
    ///
    /// - Parameters:
    ///   - name: Name of the step.
    ///   - doing: What it does, such as `loading on the Neural Engine`.
    ///   - record: Name of the run's record; nil for a step that belongs to none.
    ///   - pending: What the record shall be if the process dies now: the last timing is the step's.
    /// - Throws: What the file system reports, and `FormatError` if the record cannot be written.
    public func begin(
        _ name: String, doing: String, record: String? = nil, pending: TimingRecord? = nil
    ) throws {
        var marked: [String: JSONValue] = ["step": .string(name), "doing": .string(doing)]
        if let record { marked["record"] = .string(record) }
        if let pending { marked["pending"] = try pending.json }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(JSONValue.object(marked).text().utf8).write(to: file, options: .atomic)
    }

    /// Notes that the step has ended, by itself or by an error.
    public func end() {
        try? FileManager.default.removeItem(at: file)
    }

    /// The step during which the last process died; nil if none did.
    public func died() -> DiedStep? {
        guard let text = try? String(contentsOf: file, encoding: .utf8), let marked = try? JSONValue(parsing: text),
            case .string(let step) = marked["step"], case .string(let doing) = marked["doing"]
        else { return nil }
        var died = DiedStep(step: step, reason: "the process died while \(doing)")
        if case .string(let record) = marked["record"] { died.record = record }
        died.pending = marked["pending"].flatMap { try? TimingRecord(json: $0, at: "") }
        return died
    }

    /// The same, and forgets it.
    public func takeDied() -> DiedStep? {
        let found = died()
        end()
        return found
    }
}

/// A step during which a process died.
public struct DiedStep: Sendable, Equatable {
    /// Name of the step.
    public let step: String
    /// The reason for `not_run`.
    public let reason: String
    /// Name of the run's record; nil if the step belonged to none.
    public var record: String?
    /// The record until then, whose last timing is the step's; nil if it is unknown.
    public var pending: TimingRecord?

    /// The record with the reason in the step's timing; nil if it is unknown.
    var completed: TimingRecord? {
        guard var record = pending, let last = record.timings.indices.last else { return nil }
        record.timings[last].parity = Parity(verdict: .notRun)
        record.timings[last].parity.reasons = [reason]
        record.timings[last].notRun = reason
        if record.incomplete != nil { record.incomplete = "\(reason) (\(step))" }
        return record
    }
}
