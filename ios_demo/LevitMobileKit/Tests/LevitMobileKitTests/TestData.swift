import Foundation
import Testing

@testable import LevitMobileKit

/// The vectors that the Python, Kotlin and Swift tests share.
enum TestData {
    private static let top = URL(fileURLWithPath: #filePath).pathComponents.dropLast(5).joined(separator: "/")

    /// The repository.
    static let repository = URL(fileURLWithPath: top)

    static func file(_ name: String) -> URL {
        repository.appendingPathComponent("testdata/\(name)")
    }

    static func text(_ name: String) throws -> String {
        try String(contentsOf: file(name), encoding: .utf8)
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: file(name)))
    }

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: text(name))
    }

    static func schema(_ name: String) throws -> JSONValue {
        let file = repository.appendingPathComponent("levit_mobile/schemas/\(name).schema.json")
        return try JSONValue(parsing: String(contentsOf: file, encoding: .utf8))
    }

    /// The entries of a list, or of a list in an object, by their names.
    static func vectors(_ name: String, _ part: String? = nil) -> [Vector] {
        guard let found = try? json(name), let list = (part.map { found[$0] ?? .null } ?? found).items else {
            preconditionFailure("\(name) has no list of vectors")
        }
        return list.enumerated().map { Vector(place: $0, json: $1) }
    }

    /// Bytes of the generator that the vectors name by its seed.
    static func drawn(seed: Int, count: Int) -> [UInt8] {
        var state = UInt32(truncatingIfNeeded: seed)
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
    }

    /// The complete contract with other values in some fields of one part.
    static func contract(_ part: String, _ stated: [String: JSONValue]) throws -> Contract {
        var fields = try #require(try json("contracts/complete.json").fields)
        let old = try #require(fields[part]?.fields)
        fields[part] = .object(old.merging(stated) { $1 })
        return try Contract.read(JSONValue.object(fields).text())
    }
}

/// One test vector of a file.
struct Vector: Sendable, CustomTestStringConvertible {
    let place: Int
    let json: JSONValue

    var testDescription: String { json["name"]?.string ?? "number \(place)" }

    var name: String { testDescription }

    subscript(name: String) -> JSONValue { json[name] ?? .null }

    func text(_ name: String) throws -> String { try #require(self[name].string, "\(name)") }

    func int(_ name: String) throws -> Int { try #require(self[name].int, "\(name)") }

    func fields(_ name: String) throws -> [String: JSONValue] { try #require(self[name].fields, "\(name)") }
}

extension JSONValue {
    var string: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    var int: Int? {
        if case .integer(let value) = self { return value }
        return nil
    }

    var items: [JSONValue]? {
        if case .array(let values) = self { return values }
        return nil
    }

    /// A number, or the name of one that JSON does not have.
    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .string(let name): Double(name)
        default: nil
        }
    }

    /// The same value with every number as a `Double`: 5e-05 is 0.00005, and 1 is 1.0.
    var byValue: JSONValue {
        switch self {
        case .integer(let value): .number(Double(value))
        case .array(let values): .array(values.map(\.byValue))
        case .object(let fields): .object(fields.mapValues(\.byValue))
        default: self
        }
    }
}

/// A folder for one test, which is removed with its owner.
final class TemporaryFolder: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("levit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }
}
