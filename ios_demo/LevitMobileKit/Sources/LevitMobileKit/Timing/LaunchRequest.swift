import Foundation

/// What a host asks an app for by launch arguments.
public enum LaunchRequest: Sendable, Equatable {
    /// `--levit-plan JSON --levit-record NAME`: run a plan and write its record as `NAME.json`.
    case run(TimingPlan, record: String)
    /// `--levit-clean`: remove what a host has copied to the app and what the app has written for it.
    case clean

    private static let planArgument = "--levit-plan"
    private static let recordArgument = "--levit-record"
    private static let cleanArgument = "--levit-clean"

    /// Reads the arguments of the process.
    ///
    /// - Returns: nil if a host asks for nothing.
    /// - Throws: `FormatError` if the plan is none, an argument lacks its value, or the record's name is not one of
    ///   letters, digits, `.`, `_` and `-` that begins with a letter or a digit.
    public static func read(_ arguments: [String]) throws -> LaunchRequest? {
        if arguments.contains(cleanArgument) { return .clean }
        guard let text = try value(of: planArgument, arguments) else { return nil }
        guard let name = try value(of: recordArgument, arguments) else {
            throw FormatError("\(planArgument) needs \(recordArgument) with the name of the record")
        }
        guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil else {
            throw FormatError("the record's name is \(name), expected letters, digits, '.', '_' and '-'")
        }
        return .run(try TimingPlan.read(text), record: name)
    }

    private static func value(of name: String, _ arguments: [String]) throws -> String? {
        guard let place = arguments.firstIndex(of: name) else { return nil }
        guard place + 1 < arguments.count else { throw FormatError("\(name) needs a value") }
        return arguments[place + 1]
    }
}

/// The folder that a host and the app share: `Documents/levit` in the app's container.
///
/// `bundles` holds bundles that the host has copied, one folder each, and `records` the records for it.
public struct HostFolder: Sendable {
    private let root: URL

    /// - Parameter documents: The app's folder of documents.
    public init(documents: URL) {
        root = documents.appendingPathComponent("levit", isDirectory: true)
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
        let folder = root.appendingPathComponent("records", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("\(name).json")
        try Data(record.write().utf8).write(to: file, options: .atomic)
        return file
    }

    /// Removes everything.
    public func clean() throws {
        if FileManager.default.fileExists(atPath: root.path) { try FileManager.default.removeItem(at: root) }
    }
}
