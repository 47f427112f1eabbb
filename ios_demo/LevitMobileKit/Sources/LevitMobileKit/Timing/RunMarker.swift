import Foundation

/// A file that exists while a step runs, so that the next process knows what killed the last one.
///
/// A driver or the system's memory limit can end the whole process. The step that was running is then not run again but
/// reported as not run.
public struct RunMarker: Sendable {
    private let folder: URL
    private var file: URL { folder.appendingPathComponent("running.txt") }

    /// - Parameter folder: Folder that survives the process, such as one in Application Support.
    public init(_ folder: URL) {
        self.folder = folder
    }

    /// Notes that a step begins.
    ///
    /// - Parameters:
    ///   - name: Name of the step, in one line.
    ///   - doing: What it does, such as `loading on the Neural Engine`.
    /// - Throws: What the file system reports.
    public func begin(_ name: String, doing: String) throws {
        precondition(!name.contains("\n"), "the name of a step has two lines")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("\(name)\n\(doing)".utf8).write(to: file, options: .atomic)
    }

    /// Notes that the step has ended, by itself or by an error.
    public func end() {
        try? FileManager.default.removeItem(at: file)
    }

    /// The step during which the last process died, and the reason for `not_run`; nil if none did. Forgets it.
    public func takeDied() -> (step: String, reason: String)? {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        end()
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let doing = lines.count > 1 && !lines[1].isEmpty ? lines[1] : "running"
        return (lines[0], "the process died while \(doing)")
    }
}
