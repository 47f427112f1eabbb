/// `contract.json` of a bundle: all that an app must know about an artifact.
///
/// The structures have the fields of `contract.schema.json` version 2, by the same names in Swift's case. Version 1 is
/// read as what it stands for in version 2.
public struct Contract: SchemaObject {
    /// Version of the format, always 2.
    public internal(set) var schemaVersion = Contract.newestSchema
    /// Version of levit-mobile that wrote the contract.
    public internal(set) var tool = ""
    /// Name of the recipe, such as `coreml-fp16`.
    public internal(set) var recipe = ""
    public internal(set) var model = Model()
    public internal(set) var artifact = Artifact()
    public internal(set) var input = Input()
    public internal(set) var output = Output()
    public internal(set) var preprocessing = Preprocessing()
    /// What the int8 ranges were measured on; nil for recipes without ranges.
    public internal(set) var calibration: Calibration?
    public internal(set) var tolerance = Tolerance()
    /// Images with their expected logits, to check the artifact on the device.
    public internal(set) var golden: [Golden] = []
    /// Result of the proof that the conversion made.
    public internal(set) var verdict = Verdict.notRun

    /// The version that is written.
    public static let newestSchema = 2
    /// Largest number of golden images.
    public static let mostGolden = 1000

    static var fields: [SchemaField<Contract>] {
        [
            .required("schema_version", \.schemaVersion),
            .required("tool", \.tool),
            .required("recipe", \.recipe),
            .required("model", \.model),
            .required("artifact", \.artifact),
            .required("input", \.input),
            .required("output", \.output),
            .required("preprocessing", \.preprocessing),
            .optional("calibration", \.calibration),
            .required("tolerance", \.tolerance),
            .required("golden", \.golden),
            .required("verdict", \.verdict),
        ]
    }

    func check() throws {
        try require(golden.count <= Self.mostGolden, "golden has \(golden.count) entries, expected \(Self.mostGolden)")
    }

    /// Reads a contract of schema 1 or 2.
    ///
    /// - Throws: `FormatError` if the text is not JSON, has an unknown `schema_version`, a field too many, one too few,
    ///   or a value out of its range.
    public static func read(_ text: String) throws -> Contract {
        try SchemaFile.read("contract.json", text, newest: newestSchema, oldest: 1, upgrade: EarlierContract.upgraded)
    }

    /// The contract as JSON of schema 2, with every field.
    public func write() throws -> String {
        try SchemaFile.write("contract.json", self)
    }
}

/// The trained model.
public struct Model: SchemaObject {
    /// Architecture, such as `levit`.
    public internal(set) var family = ""
    /// Net of that family, such as `levit_128s`.
    public internal(set) var variant = ""
    /// Widths, depths and so on: numbers or lists of numbers; nil in a contract of schema 1.
    public internal(set) var sizes: [String: ModelSize]?
    /// Number of classes.
    public internal(set) var classes = 0
    /// Number of trained parameters.
    public internal(set) var parameters = 0
    /// Multiply-accumulates of one inference.
    public internal(set) var macs = 0
    public internal(set) var checkpointSHA256 = ""
    /// Layout of the checkpoint's keys, such as `timm`.
    public internal(set) var checkpointFormat = ""
    /// Which of the checkpoint's weights were taken; nil if it has one kind.
    public internal(set) var weights: Weights?
    /// Where the checkpoint came from.
    public internal(set) var source = ""

    static var fields: [SchemaField<Model>] {
        [
            .required("family", \.family),
            .required("variant", \.variant),
            .optional("sizes", \.sizes),
            .required("classes", \.classes),
            .required("parameters", \.parameters),
            .required("macs", \.macs),
            .required("checkpoint_sha256", \.checkpointSHA256),
            .required("checkpoint_format", \.checkpointFormat),
            .optional("weights", \.weights),
            .required("source", \.source),
        ]
    }

    func check() throws {
        try requireDigest("checkpoint_sha256", checkpointSHA256)
    }
}

/// One of a model's sizes: a number, or one number per stage.
public enum ModelSize: SchemaValue, Equatable {
    case one(Double)
    case perStage([Double])

    init(json: JSONValue, at path: String) throws {
        if case .array = json {
            self = .perStage(try [Double](json: json, at: path))
        } else {
            self = .one(try Double(json: json, at: path))
        }
    }

    var json: JSONValue {
        get throws {
            switch self {
            case .one(let value): value.json
            case .perStage(let values): try values.json
            }
        }
    }
}

/// Averaged or raw weights of a checkpoint.
public enum Weights: String, SchemaWord {
    case ema
    case raw
}

/// What the float parts of an artifact are computed in.
public enum Arithmetic: String, SchemaWord {
    case float32 = "fp32"
    /// float16 on a core that computes in it, float32 on others.
    case float16WhereSupported = "fp16 where the core has it"
    /// float16; a core without it refuses the artifact.
    case float16 = "fp16"
}

/// The file that a phone runs.
public struct Artifact: SchemaObject {
    /// Name of the artifact inside the bundle.
    public internal(set) var file = ""
    /// SHA-256 of the file; of a folder such as a Core ML package, that of the list of its files.
    public internal(set) var sha256 = ""
    /// Size in bytes.
    public internal(set) var bytes = 0
    /// Number of delegate partitions; nil where the device decides.
    public internal(set) var partitions: Int?
    /// Version of each package that made the artifact, by name.
    public internal(set) var toolchain: [String: String] = [:]
    /// Oldest iOS that runs the artifact; nil for targets other than Core ML.
    public internal(set) var minimumIOS: Int?
    /// What a core computes the float parts in; nil where the artifact does not state it.
    public internal(set) var arithmetic: Arithmetic?

    static var fields: [SchemaField<Artifact>] {
        [
            .required("file", \.file),
            .required("sha256", \.sha256),
            .required("bytes", \.bytes),
            .required("partitions", \.partitions),
            .required("toolchain", \.toolchain),
            .optional("minimum_ios", \.minimumIOS),
            .optional("arithmetic", \.arithmetic),
        ]
    }

    func check() throws {
        try requireDigest("sha256", sha256)
    }
}

/// What int8 ranges were measured on.
public struct Calibration: SchemaObject {
    public internal(set) var source = ""
    public internal(set) var pictures = 0
    public internal(set) var picturesSHA256 = ""
    public internal(set) var seed = 0
    public internal(set) var observer = ""
    public internal(set) var planFile = "plan.json"
    public internal(set) var planSHA256 = ""
    public internal(set) var forRelease = false
    public internal(set) var concerns: [String] = []

    static var fields: [SchemaField<Calibration>] {
        [
            .required("source", \.source),
            .required("pictures", \.pictures),
            .required("pictures_sha256", \.picturesSHA256),
            .required("seed", \.seed),
            .required("observer", \.observer),
            .optional("plan_file", \.planFile),
            .required("plan_sha256", \.planSHA256),
            .required("for_release", \.forRelease),
            .required("concerns", \.concerns),
        ]
    }

    func check() throws {
        try requireDigest("pictures_sha256", picturesSHA256)
        try requireDigest("plan_sha256", planSHA256)
    }
}
