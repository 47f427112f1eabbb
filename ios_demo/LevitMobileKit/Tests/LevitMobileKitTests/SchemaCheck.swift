import Testing

@testable import LevitMobileKit

/// Compares a reader with a JSON schema: which fields are optional, which may be null, and the words of enumerations.
///
/// A complete file is changed in one place at a time, and the reader must accept exactly what the schema accepts.
struct SchemaCheck {
    let schema: JSONValue
    let complete: JSONValue
    /// Throws for what it refuses.
    let read: (String) throws -> Void

    func run() throws {
        try check(schema, complete, "") { $0 }
    }

    /// Checks an object, which `put` puts into the complete file.
    private func check(
        _ stated: JSONValue, _ found: JSONValue, _ path: String, _ put: @escaping (JSONValue) -> JSONValue
    ) throws {
        let schema = resolved(stated)
        if let item = schema["items"], let first = found.items?.first {
            try check(item, first, "\(path)[0]") { value in
                put(.array([value] + (found.items ?? []).dropFirst()))
            }
        }
        guard let properties = schema["properties"]?.fields, let fields = found.fields else { return }
        #expect(Set(properties.keys) == Set(fields.keys), "\(path): the complete file has every field")
        let required = Set((schema["required"]?.items ?? []).compactMap(\.string))
        for (name, property) in properties where name != "schema_version" {
            let place = "\(path).\(name)"
            func with(_ value: JSONValue?) -> JSONValue {
                put(.object(fields.merging([name: value ?? .null]) { $1 }.filter { value != nil || $0.key != name }))
            }
            if !Self.decidedByOthers.contains(name) {
                try expect(with(nil), isAccepted: !required.contains(name), "\(place) is missing")
                try expect(with(.null), isAccepted: isNullable(property), "\(place) is null")
            }
            try expect(with(.object(["x": .null])), isAccepted: false, "\(place) is an unknown object")
            try checkWords(resolved(property), place, with)
            try check(property, fields[name] ?? .null, place, with)
        }
    }

    /// Fields of which the schema states less than its file's rules: a timing without samples needs a reason, and one
    /// with samples needs threads or compute units.
    private static let decidedByOthers: Set = ["samples_ms", "not_run", "threads", "compute_units"]

    private func checkWords(_ schema: JSONValue, _ path: String, _ with: (JSONValue?) -> JSONValue) throws {
        guard let words = schema["enum"]?.items ?? schema["const"].map({ [$0] }) else { return }
        if !Self.decidedByOthers.contains(where: path.hasSuffix) {
            for word in words { try expect(with(word), isAccepted: true, "\(path) is \(word)") }
        }
        try expect(with(.string("no such word")), isAccepted: false, "\(path) is an unknown word")
    }

    private func expect(_ file: JSONValue, isAccepted: Bool, _ sentence: String) throws {
        let text = try file.text()
        if isAccepted {
            #expect(throws: Never.self, "\(sentence)") { try read(text) }
        } else {
            #expect(throws: FormatError.self, "\(sentence)") { try read(text) }
        }
    }

    private func isNullable(_ schema: JSONValue) -> Bool {
        (referred(schema)["anyOf"]?.items ?? []).contains { $0["type"]?.string == "null" }
    }

    private func resolved(_ schema: JSONValue) -> JSONValue {
        let found = referred(schema)
        guard let other = found["anyOf"]?.items?.first(where: { $0["type"]?.string != "null" }) else { return found }
        return resolved(other)
    }

    private func referred(_ schema: JSONValue) -> JSONValue {
        guard let name = schema["$ref"]?.string?.split(separator: "/").last else { return schema }
        return self.schema["$defs"]?[String(name)] ?? .null
    }
}
