import Foundation

/// One value of a JSON file.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Parses strict JSON: `NaN`, trailing text and an empty file are refused.
    ///
    /// - Throws: `FormatError`.
    public init(parsing text: String) throws {
        do {
            self = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        } catch {
            throw FormatError("the text is not JSON")
        }
    }

    /// The value as text, with the names of objects sorted.
    ///
    /// - Throws: `FormatError` for a number that JSON does not have.
    public func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
        } catch {
            throw FormatError("a number is not finite")
        }
    }

    /// The fields of an object; nil for any other value.
    public var fields: [String: JSONValue]? {
        if case .object(let fields) = self { return fields }
        return nil
    }

    /// The value of a field; nil if it is missing, or if this is not an object.
    public subscript(name: String) -> JSONValue? { fields?[name] }
}

extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let fields): try container.encode(fields)
        }
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value in one line, for sentences.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let values): "[\(values.map(\.description).joined(separator: ", "))]"
        case .object(let fields): "{\(fields.keys.sorted().joined(separator: ", "))}"
        }
    }
}

/// A contract, a timing record or another file of a known schema that cannot be read or written.
public struct FormatError: Error, Equatable, CustomStringConvertible, LocalizedError {
    /// What is wrong, in one sentence that begins with the file's name.
    public let description: String

    /// The same, for an alert.
    public var errorDescription: String? { description }

    init(_ description: String) {
        self.description = description
    }

    /// Does something whose errors are about one file, and puts its name before them.
    static func naming<T>(_ file: String, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as FormatError {
            throw FormatError("\(file): \(error.description)")
        }
    }
}

/// Throws a `FormatError` unless the condition holds.
func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
    if !condition { throw FormatError(sentence()) }
}
