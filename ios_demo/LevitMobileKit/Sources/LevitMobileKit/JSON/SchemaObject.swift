/// A value that a field of a schema may have.
protocol SchemaValue: Sendable {
    /// Reads the value.
    ///
    /// - Parameters:
    ///   - json: What the file has.
    ///   - path: Where it has it, for sentences.
    init(json: JSONValue, at path: String) throws

    /// The value as the file has it.
    var json: JSONValue { get throws }
}

/// One field of an object: its name, whether it must be there, and how it is read and written.
struct SchemaField<Object> {
    let name: String
    let isRequired: Bool
    let read: (inout Object, JSONValue, String) throws -> Void
    let write: (Object) throws -> JSONValue

    /// A field that must be there.
    static func required<Value: SchemaValue>(_ name: String, _ place: WritableKeyPath<Object, Value>) -> Self {
        made(name, place, isRequired: true)
    }

    /// A field that has a default.
    static func optional<Value: SchemaValue>(_ name: String, _ place: WritableKeyPath<Object, Value>) -> Self {
        made(name, place, isRequired: false)
    }

    private static func made<Value: SchemaValue>(
        _ name: String, _ place: WritableKeyPath<Object, Value>, isRequired: Bool
    ) -> Self {
        SchemaField(
            name: name, isRequired: isRequired,
            read: { object, json, path in object[keyPath: place] = try Value(json: json, at: path) },
            write: { object in try object[keyPath: place].json }
        )
    }
}

/// An object of a schema. It is read strictly: an unknown field is refused. It is written with every field.
protocol SchemaObject: SchemaValue, Equatable {
    /// All fields.
    static var fields: [SchemaField<Self>] { get }

    /// An object whose required fields are still empty.
    init()

    /// Throws a `FormatError` if a value is out of its range.
    func check() throws
}

extension SchemaObject {
    init(json: JSONValue, at path: String) throws {
        guard let stated = json.fields else { throw FormatError("\(path) is \(json), expected an object") }
        let unknown = stated.keys.filter { name in !Self.fields.contains { $0.name == name } }.sorted()
        try require(unknown.isEmpty, "\(path) has unknown fields: \(unknown.joined(separator: ", "))")
        self.init()
        for field in Self.fields {
            if let value = stated[field.name] {
                try field.read(&self, value, path.isEmpty ? field.name : "\(path).\(field.name)")
            } else {
                try require(!field.isRequired, "\(path) has no \(field.name)")
            }
        }
        try check()
    }

    var json: JSONValue {
        get throws {
            try check()
            var made: [String: JSONValue] = [:]
            for field in Self.fields { made[field.name] = try field.write(self) }
            return .object(made)
        }
    }

    func check() throws {}
}

/// A file of which one or several versions exist.
enum SchemaFile {
    /// Reads a file. `upgrade` makes the newest version of an older one.
    static func read<Object: SchemaObject>(
        _ file: String, _ text: String, newest: Int, oldest: Int? = nil,
        upgrade: ([String: JSONValue]) throws -> [String: JSONValue] = { $0 }
    ) throws -> Object {
        try FormatError.naming(file) {
            let stated = try JSONValue(parsing: text)
            let readable = oldest.map { "\($0) or \(newest)" } ?? "\(newest)"
            let found = stated["schema_version"]
            guard let fields = stated.fields, case .integer(let version) = found, version == newest || version == oldest
            else { throw FormatError("schema_version is \(found?.description ?? "missing"), expected \(readable)") }
            let upgraded = version == newest ? fields : try upgrade(fields)
            return try Object(json: .object(upgraded), at: "the file")
        }
    }

    /// The text of a file.
    static func write(_ file: String, _ object: some SchemaObject) throws -> String {
        try FormatError.naming(file) { try object.json.text() }
    }
}
