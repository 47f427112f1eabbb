import Foundation

/// The folder that a host and the app share: `Documents/levit` in the app's container.
///
/// `bundles` holds bundles that the host has copied, one folder each. `records` holds `NAME.json`, the record of a run,
/// and `NAME.progress.jsonl`, the lines of a run that a host has asked for.
public struct HostFolder: Sendable {
    private let root: URL
    private var records: URL { root.appendingPathComponent("records", isDirectory: true) }

    /// - Parameter documents: The app's folder of documents.
    public init(documents: URL) {
        root = documents.appendingPathComponent("levit", isDirectory: true)
    }

    /// A record's file in the app's container.
    static func path(of record: String) -> String { "Documents/levit/records/\(record).json" }

    /// Whether a text can be the name of a record or of a bundle: it cannot lead out of its folder.
    static func isName(_ text: some StringProtocol) -> Bool {
        String(text).wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil
    }

    /// A bundle that the host has copied; nil if it is not there.
    public func bundle(_ name: String) -> URL? {
        let folder = root.appendingPathComponent("bundles").appendingPathComponent(name, isDirectory: true)
        let contract = folder.appendingPathComponent("contract.json")
        return FileManager.default.fileExists(atPath: contract.path) ? folder : nil
    }

    /// Writes a record; a reader finds the former one or this one, never a part.
    ///
    /// - Returns: The file.
    /// - Throws: What the file system reports.
    @discardableResult
    public func write(_ record: TimingRecord, as name: String) throws -> URL {
        try FileManager.default.createDirectory(at: records, withIntermediateDirectories: true)
        let file = records.appendingPathComponent("\(name).json")
        try Data(record.write().utf8).write(to: file, options: .atomic)
        return file
    }

    /// Empties the file of a run's lines. Without it, `append` writes nothing.
    func startLines(_ run: String) {
        try? FileManager.default.createDirectory(at: records, withIntermediateDirectories: true)
        try? Data().write(to: lines(run))
    }

    /// Appends a line to the file of its run in one call of the system, so that a reader finds whole lines.
    ///
    /// Lines are for whoever watches: one that cannot be written is left out.
    ///
    /// - Parameter isAfterDeath: The last line may be cut short, so this one must not continue it.
    func append(_ line: ProgressLine, isAfterDeath: Bool = false) {
        guard let handle = try? FileHandle(forWritingTo: lines(line.run)) else { return }
        defer { try? handle.close() }
        _ = try? handle.seekToEnd()
        try? handle.write(contentsOf: Data("\(isAfterDeath ? "\n" : "")\(line.write())\n".utf8))
    }

    /// Writes for a host why its run cannot begin.
    public func refuse(_ run: String, reason: String) {
        var line = ProgressLine(.failed, run: run)
        line.reason = reason
        startLines(run)
        append(line)
    }

    /// Completes the record of a run whose process died, and its lines where a host has asked for them.
    ///
    /// The step that ran gets the reason. Steps that were not reached are missing, and `incomplete` has the reason then.
    /// Without a record, only a line with the reason is written.
    public func complete(_ died: DiedStep) {
        guard let run = died.record else { return }
        var line = ProgressLine(.failed, run: run)
        line.reason = "\(died.reason) (\(died.step))"
        if let record = died.completed, (try? write(record, as: run)) != nil {
            line = ProgressLine(.finished, run: run)
            (line.record, line.reason) = (Self.path(of: run), record.incomplete)
        }
        append(line, isAfterDeath: true)
    }

    /// Removes what a host has copied, and what the app has written for it. What is missing is no error.
    ///
    /// - Parameter paths: `bundles/NAME` and `records/NAME`; nil for everything.
    /// - Throws: What the file system reports.
    public func clean(only paths: [String]? = nil) throws {
        for place in paths.map({ $0.map { root.appendingPathComponent($0) } }) ?? [root] {
            if FileManager.default.fileExists(atPath: place.path) { try FileManager.default.removeItem(at: place) }
        }
    }

    private func lines(_ run: String) -> URL { records.appendingPathComponent("\(run).progress.jsonl") }
}
