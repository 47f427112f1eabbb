/// What the artifact computes on this device, on golden images, compared with the trained model's logits.
public struct Parity: SchemaObject {
    public var verdict = Verdict.notRun
    /// Why the verdict is not proven, one sentence each.
    public var reasons: [String] = []
    /// What the logits were compared with.
    public var against = ""
    /// Number of golden images compared.
    public var pictures = 0
    /// Largest error of any logit; nil when not measured.
    public var maxAbsError: Double?
    /// SQNR in dB; nil when not measured, or without any error.
    public var sqnrDB: Double?
    /// Share of images with the same top class, 0 to 1; nil when not measured.
    public var top1Agreement: Double?

    init() {}

    public init(verdict: Verdict) {
        self.verdict = verdict
    }

    static var fields: [SchemaField<Parity>] {
        [
            .required("verdict", \.verdict),
            .optional("reasons", \.reasons),
            .optional("against", \.against),
            .optional("pictures", \.pictures),
            .optional("max_abs_error", \.maxAbsError),
            .optional("sqnr_db", \.sqnrDB),
            .optional("top1_agreement", \.top1Agreement),
        ]
    }

    func check() throws {
        try require(pictures >= 0, "pictures is \(pictures), expected 0 or more")
        try require(maxAbsError ?? 0 >= 0, "max_abs_error is \(maxAbsError ?? 0), expected 0 or more")
        try requireShare("top1_agreement", top1Agreement)
    }
}

/// One block of the model in a profile.
public struct Block: SchemaObject {
    public var name = ""
    /// Time that the block adds in ms, one sample per round.
    public var samplesMs: [Double] = []
    /// Number of ops of each kind.
    public var ops: [String: Int] = [:]

    static var fields: [SchemaField<Block>] {
        [.required("name", \.name), .required("samples_ms", \.samplesMs), .optional("ops", \.ops)]
    }
}

/// Time by block, in the order in which they run.
public struct Profile: SchemaObject {
    /// How the time was split into blocks.
    public var how = ""
    public var blocks: [Block] = []

    static var fields: [SchemaField<Profile>] {
        [.required("how", \.how), .required("blocks", \.blocks)]
    }
}

/// Processors that Core ML may use.
public enum ComputeUnits: String, SchemaWord {
    case cpuOnly
    case cpuAndGPU
    case cpuAndNeuralEngine
    case all
}

/// One artifact on one accelerator. Without samples, `notRun` states why.
///
/// `loadMs` is from the file to a model that can run, `firstRunMs` the first inference after it, each once per fresh
/// process. `samplesMs` is the runtime's own call with the input in place. `endToEndSamplesMs` is from a decoded image
/// in memory to float logits, and `preprocessSamplesMs` the resize and the crop in it.
public struct Timing: SchemaObject {
    /// Name of the timing, unique in the run.
    public var name = ""
    public var file = ""
    public var sha256 = ""
    /// Size in bytes.
    public var bytes = 0
    /// `coreml`, `executorch` or `tflite`.
    public var target = ""
    public var variant: String?
    public var recipe: String?
    public var contractSHA256: String?
    public var runtime = ""
    public var runtimeVersion = ""
    /// `coreml`, `xnnpack` or `gpu`.
    public var accelerator = ""
    /// Number of CPU threads, 1 or more; nil for Core ML.
    public var threads: Int?
    public var computeUnits: ComputeUnits?
    public var parity = Parity()
    public var loadMs: [Double] = []
    public var firstRunMs: [Double] = []
    public var memoryBeforeBytes: [Int] = []
    /// Largest `phys_footprint`, once per fresh process.
    public var peakMemoryBytes: [Int] = []
    /// Proportional set size, which only Android reports.
    public var pssBytes: [Int] = []
    public var inputShape: [Int] = []
    /// Inferences before the first sample, not kept.
    public var warmupRuns = 0
    public var samplesMs: [Double] = []
    /// Number of samples of each process, in order; empty for one process.
    public var processSamples: [Int] = []
    public var endToEndSamplesMs: [Double] = []
    public var preprocessSamplesMs: [Double] = []
    /// Width and height in pixels of the image that end to end begins with.
    public var picturePx: [Int]?
    public var notRun: String?
    public var profile: Profile?
    /// Remarks for the reader, one sentence each.
    public var notes: [String] = []

    init() {}

    /// A timing of a contract's artifact, still without samples.
    public init(
        name: String, contract: Contract, runtime: Runtime, runtimeVersion: String, accelerator: String, parity: Parity
    ) {
        (self.name, self.file, self.sha256) = (name, contract.artifact.file, contract.artifact.sha256)
        (bytes, target) = (contract.artifact.bytes, runtime.target)
        (variant, recipe) = (contract.model.variant, contract.recipe)
        (self.runtime, self.runtimeVersion) = (runtime.title, runtimeVersion)
        (self.accelerator, self.parity, inputShape) = (accelerator, parity, contract.input.shape)
    }

    static var fields: [SchemaField<Timing>] {
        artifactFields + measuredFields
    }

    private static var artifactFields: [SchemaField<Timing>] {
        [
            .required("name", \.name),
            .required("file", \.file),
            .required("sha256", \.sha256),
            .required("bytes", \.bytes),
            .required("target", \.target),
            .optional("variant", \.variant),
            .optional("recipe", \.recipe),
            .optional("contract_sha256", \.contractSHA256),
            .required("runtime", \.runtime),
            .required("runtime_version", \.runtimeVersion),
            .required("accelerator", \.accelerator),
            .optional("threads", \.threads),
            .optional("compute_units", \.computeUnits),
            .required("parity", \.parity),
        ]
    }

    private static var measuredFields: [SchemaField<Timing>] {
        [
            .optional("load_ms", \.loadMs),
            .optional("first_run_ms", \.firstRunMs),
            .optional("memory_before_bytes", \.memoryBeforeBytes),
            .optional("peak_memory_bytes", \.peakMemoryBytes),
            .optional("pss_bytes", \.pssBytes),
            .optional("input_shape", \.inputShape),
            .optional("warmup_runs", \.warmupRuns),
            .optional("samples_ms", \.samplesMs),
            .optional("process_samples", \.processSamples),
            .optional("end_to_end_samples_ms", \.endToEndSamplesMs),
            .optional("preprocess_samples_ms", \.preprocessSamplesMs),
            .optional("picture_px", \.picturePx),
            .optional("not_run", \.notRun),
            .optional("profile", \.profile),
            .optional("notes", \.notes),
        ]
    }

    func check() throws {
        try requireDigest("sha256", sha256)
        if let contractSHA256 { try requireDigest("contract_sha256", contractSHA256) }
        try checkSamples()
        try checkCounts()
        for (field, times) in [
            ("load_ms", loadMs), ("first_run_ms", firstRunMs), ("samples_ms", samplesMs),
            ("end_to_end_samples_ms", endToEndSamplesMs), ("preprocess_samples_ms", preprocessSamplesMs),
        ] {
            let valid = times.allSatisfy { $0 >= 0 && $0.isFinite }
            try require(valid, "\(field) has a time that is not a number of 0 or more")
        }
    }

    private func checkSamples() throws {
        let hasReason = !(notRun ?? "").isEmpty
        try require(
            samplesMs.isEmpty == hasReason,
            "samples_ms and not_run are both present or both missing, expected one of the two")
        let counted = sum(processSamples)
        try require(
            processSamples.isEmpty || counted == samplesMs.count,
            "process_samples adds up to \(counted), expected \(samplesMs.count), the number of samples_ms")
        try require(
            samplesMs.isEmpty || (threads == nil) != (computeUnits == nil),
            "threads and compute_units are both present or both missing, expected one of the two")
    }

    private func checkCounts() throws {
        try require(threads ?? 1 >= 1, "threads is \(threads ?? 1), expected 1 or more")
        try require(picturePx?.count ?? 2 == 2, "picture_px is \(picturePx ?? []), expected width and height")
        try require(
            bytes >= 0 && warmupRuns >= 0, "bytes and warmup_runs are \(bytes) and \(warmupRuns), expected 0 or more")
        let memory = memoryBeforeBytes + peakMemoryBytes + pssBytes
        try require(memory.allSatisfy { $0 >= 0 }, "a memory size is below 0 bytes")
        try require(inputShape.allSatisfy { $0 >= 0 }, "input_shape is \(inputShape), expected sizes of 0 or more")
        try require(
            processSamples.allSatisfy { $0 >= 1 }, "process_samples is \(processSamples), expected 1 or more each")
    }
}
