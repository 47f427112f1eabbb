/// What a host asks an app for by launch arguments.
public enum LaunchRequest: Sendable, Equatable {
    /// `--levit-plan JSON --levit-record NAME`: run a plan and write its record as `NAME.json`.
    case run(TimingPlan, record: String)
    /// `--levit-clean`: remove what a host has copied to the app and what the app has written for it.
    ///
    /// `--levit-clean ["bundles/NAME", "records/NAME"]` removes only these; `only` is nil without a list.
    case clean(only: [String]?)

    private static let planArgument = "--levit-plan"
    private static let recordArgument = "--levit-record"
    private static let cleanArgument = "--levit-clean"

    /// Reads the arguments of the process.
    ///
    /// - Returns: nil if a host asks for nothing.
    /// - Throws: `FormatError` if the plan is none, an argument lacks its value, a path to remove is neither
    ///   `bundles/NAME` nor `records/NAME`, or a name is not one of letters, digits, `.`, `_` and `-` that begins with a
    ///   letter or a digit.
    public static func read(_ arguments: [String]) throws -> LaunchRequest? {
        if let place = arguments.firstIndex(of: cleanArgument) {
            let next = place + 1 < arguments.count ? arguments[place + 1] : ""
            return .clean(only: next.hasPrefix("[") ? try paths(next) : nil)
        }
        guard let text = try value(of: planArgument, arguments) else { return nil }
        guard let name = try value(of: recordArgument, arguments) else {
            throw FormatError("\(planArgument) needs \(recordArgument) with the name of the record")
        }
        guard HostFolder.isName(name) else {
            throw FormatError("the record's name is \(name), expected letters, digits, '.', '_' and '-'")
        }
        return .run(try TimingPlan.read(text), record: name)
    }

    /// The name of the record that a host asks for; nil if there is none, or it is no such name.
    ///
    /// A host learns by it why the other arguments are refused: see `HostFolder.refuse`.
    public static func record(_ arguments: [String]) -> String? {
        guard let name = try? value(of: recordArgument, arguments), HostFolder.isName(name) else { return nil }
        return name
    }

    private static func paths(_ text: String) throws -> [String] {
        guard case .array(let values) = try FormatError.naming(cleanArgument, { try JSONValue(parsing: text) }) else {
            throw FormatError("\(cleanArgument) has \(text), expected a JSON list of paths")
        }
        return try values.map { value in
            guard case .string(let path) = value, isPath(path) else {
                throw FormatError("\(cleanArgument) names \(value), expected \"bundles/NAME\" or \"records/NAME\"")
            }
            return path
        }
    }

    private static func isPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        // A bundle's folder is called as the user has called it.
        return parts[0] == "bundles" ? isPlain(String(parts[1])) : parts[0] == "records" && HostFolder.isName(parts[1])
    }

    private static func value(of name: String, _ arguments: [String]) throws -> String? {
        guard let place = arguments.firstIndex(of: name) else { return nil }
        guard place + 1 < arguments.count else { throw FormatError("\(name) needs a value") }
        return arguments[place + 1]
    }
}
