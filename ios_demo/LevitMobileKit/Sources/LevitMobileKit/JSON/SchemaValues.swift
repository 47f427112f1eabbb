extension Int: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        guard case .integer(let value) = json else { throw FormatError("\(path) is \(json), expected a whole number") }
        self = value
    }

    var json: JSONValue { .integer(self) }
}

extension Double: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        switch json {
        case .number(let value): self = value
        case .integer(let value): self = Double(value)
        default: throw FormatError("\(path) is \(json), expected a number")
        }
    }

    var json: JSONValue { .number(self) }
}

extension Bool: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        guard case .bool(let value) = json else { throw FormatError("\(path) is \(json), expected true or false") }
        self = value
    }

    var json: JSONValue { .bool(self) }
}

extension String: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        guard case .string(let value) = json else { throw FormatError("\(path) is \(json), expected text") }
        self = value
    }

    var json: JSONValue { .string(self) }
}

extension Optional: SchemaValue where Wrapped: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        self = json == .null ? nil : try Wrapped(json: json, at: path)
    }

    var json: JSONValue {
        get throws { try self?.json ?? .null }
    }
}

extension Array: SchemaValue where Element: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        guard case .array(let values) = json else { throw FormatError("\(path) is \(json), expected a list") }
        self = try values.enumerated().map { try Element(json: $1, at: "\(path)[\($0)]") }
    }

    var json: JSONValue {
        get throws { .array(try map { try $0.json }) }
    }
}

extension Dictionary: SchemaValue where Key == String, Value: SchemaValue {
    init(json: JSONValue, at path: String) throws {
        guard let fields = json.fields else { throw FormatError("\(path) is \(json), expected an object") }
        self = try Dictionary(uniqueKeysWithValues: fields.map { ($0, try Value(json: $1, at: "\(path).\($0)")) })
    }

    var json: JSONValue {
        get throws { .object(try mapValues { try $0.json }) }
    }
}

/// One word of several.
protocol SchemaWord: SchemaValue, RawRepresentable, CaseIterable where RawValue == String {}

extension SchemaWord {
    init(json: JSONValue, at path: String) throws {
        guard case .string(let word) = json, let found = Self(rawValue: word) else {
            throw FormatError("\(path) is \(json), expected \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = found
    }

    var json: JSONValue { .string(rawValue) }
}

/// Throws a `FormatError` unless a value is a SHA-256 in 64 hexadecimal digits.
func requireDigest(_ field: String, _ value: String) throws {
    let digits = value.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    try require(value.utf8.count == 64 && digits, "\(field) is \(value), expected 64 hexadecimal digits")
}

/// The sum of counts that a file states; the largest number where it would be larger still.
func sum(_ counts: [Int]) -> Int {
    counts.reduce(0) { sum, count in
        let (next, isTooLarge) = sum.addingReportingOverflow(count)
        return isTooLarge ? Int.max : next
    }
}

/// Throws a `FormatError` unless a share is 0 to 1; nil sets none.
func requireShare(_ field: String, _ value: Double?) throws {
    try require((0...1).contains(value ?? 0), "\(field) is \(value ?? 0), expected 0 to 1")
}
