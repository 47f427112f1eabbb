/// One run on one device: the fields of `timing.schema.json`, by the same names in Swift's case.
///
/// It holds what was measured, in order, and no statistics.
public struct TimingRecord: SchemaObject {
    public internal(set) var schemaVersion = TimingRecord.newestSchema
    /// What measured the times.
    public var app = AppVersion()
    /// Start of the run in UTC, such as `2026-01-31T12:00:00Z`.
    public var startedAt = ""
    public var device = Device()
    /// State of the device before the run.
    public var before = Conditions()
    /// State of the device after the run.
    public var after = Conditions()
    /// States of the device at moments of the run, in order; empty where none was recorded.
    public var during: [Conditions] = []
    /// How long the run waited in all for the device to cool, in s; nil when it was not asked to wait.
    public var coolingS: Double?
    /// Numbers of the CPU cores that the run was pinned to; empty for none, as on iOS.
    public var cores: [Int] = []
    /// Whether every round timed each artifact once, in turn.
    public var interleaved = true
    /// Why the run ended early; nil for a complete run.
    public var incomplete: String?
    /// Command line that repeats the run.
    public var command = ""
    /// Names of the timings that the others are compared with.
    public var against: [String] = []
    /// One entry per artifact and accelerator.
    public var timings: [Timing] = []
    /// Version of each package that took part, by name.
    public var versions: [String: String] = [:]

    /// The version that is written.
    public static let newestSchema = 2
    private static let file = "the timing record"

    init() {}

    public init(
        app: AppVersion, startedAt: String, device: Device, before: Conditions, after: Conditions, interleaved: Bool,
        timings: [Timing]
    ) {
        (self.app, self.startedAt, self.device, self.before) = (app, startedAt, device, before)
        (self.after, self.interleaved, self.timings) = (after, interleaved, timings)
    }

    static var fields: [SchemaField<TimingRecord>] {
        [
            .required("schema_version", \.schemaVersion),
            .required("app", \.app),
            .required("started_at", \.startedAt),
            .required("device", \.device),
            .required("before", \.before),
            .required("after", \.after),
            .optional("during", \.during),
            .optional("cooling_s", \.coolingS),
            .optional("cores", \.cores),
            .required("interleaved", \.interleaved),
            .optional("incomplete", \.incomplete),
            .optional("command", \.command),
            .optional("against", \.against),
            .required("timings", \.timings),
            .optional("versions", \.versions),
        ]
    }

    func check() throws {
        try require(isMoment(startedAt), "started_at is \(startedAt), expected UTC such as 2026-01-31T12:00:00Z")
        try require(coolingS ?? 0 >= 0, "cooling_s is \(coolingS ?? 0), expected 0 or more")
        let names = Set(timings.map(\.name))
        try require(names.count == timings.count, "two timings have the same name, expected unique ones")
        let unknown = against.filter { !names.contains($0) }
        try require(
            unknown.isEmpty, "against names timings that do not exist: \(unknown.joined(separator: ", "))")
    }

    /// Reads a record of schema 1 or 2; one of schema 1 lacks the fields of schema 2.
    ///
    /// - Throws: `FormatError` if the text is not JSON, has an unknown `schema_version`, a field too many, one too few,
    ///   or a value out of its range.
    public static func read(_ text: String) throws -> TimingRecord {
        try SchemaFile.read(file, text, newest: newestSchema, oldest: 1, upgrade: upgraded)
    }

    /// The record as JSON, with every field.
    public func write() throws -> String {
        try SchemaFile.write(Self.file, self)
    }

    private static func upgraded(_ old: [String: JSONValue]) throws -> [String: JSONValue] {
        var parts: [(String, [String: JSONValue], [String])] = [
            ("the record", old, ["during", "cooling_s", "incomplete"])
        ]
        for (part, names) in sinceSchema2 { parts.append((part, old[part]?.fields ?? [:], names)) }
        if case .array(let timings) = old["timings"] {
            for timing in timings { parts.append(("a timing", timing.fields ?? [:], timingSinceSchema2)) }
        }
        for (part, fields, names) in parts {
            let later = names.filter { fields[$0] != nil }
            try require(later.isEmpty, "\(part) has \(later.joined(separator: ", ")), which schema 1 does not have")
        }
        return old.merging(["schema_version": .integer(newestSchema)]) { $1 }
    }

    private static let timingSinceSchema2 = ["pss_bytes", "preprocess_samples_ms"]
    private static let conditionsSinceSchema2 = [
        "core_khz", "core_limit_khz", "thermal_headroom", "hottest_celsius", "battery_celsius", "screen_on",
        "fixed_performance_mode",
    ]
    private static let sinceSchema2 = [
        "app": ["debuggable"],
        "device": ["emulated_cores", "core_max_khz"],
        "before": conditionsSinceSchema2,
        "after": conditionsSinceSchema2,
    ]
}

/// The app's identifier and version.
public struct AppVersion: SchemaObject {
    public var name = ""
    public var version = ""
    /// Whether it is a debuggable build of an Android app, whose own code is slower; nil for everything else.
    public var debuggable: Bool?

    init() {}

    public init(name: String, version: String) {
        (self.name, self.version) = (name, version)
    }

    static var fields: [SchemaField<AppVersion>] {
        [.required("name", \.name), .required("version", \.version), .optional("debuggable", \.debuggable)]
    }
}
