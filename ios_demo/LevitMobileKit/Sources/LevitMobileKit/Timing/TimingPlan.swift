/// Where an artifact runs; exactly one per run, because a list would fall back without a word.
public enum Accelerator: String, SchemaWord {
    case cpu
    case gpu
    /// Core ML's, with the CPU for what it cannot compute; Android's plans do not have it.
    case neuralEngine = "neural-engine"

    /// What Core ML is asked for.
    public var computeUnits: ComputeUnits {
        switch self {
        case .cpu: .cpuOnly
        case .gpu: .cpuAndGPU
        case .neuralEngine: .cpuAndNeuralEngine
        }
    }
}

/// What is timed: a bundle on an accelerator.
public struct TimingStep: SchemaObject {
    /// Name of the bundle's folder.
    public var bundle = ""
    /// Where it runs.
    public var accelerator = Accelerator.cpu
    /// Number of CPU threads, 1 or more; Core ML chooses by itself.
    public var threads = 1

    init() {}

    public init(_ bundle: String, _ accelerator: Accelerator = .cpu, threads: Int = 1) {
        (self.bundle, self.accelerator, self.threads) = (bundle, accelerator, threads)
    }

    /// Name of the step's timing, unique in a plan.
    public var name: String { "\(bundle)-\(accelerator.rawValue)" + (accelerator == .cpu ? "\(threads)" : "") }

    static var fields: [SchemaField<TimingStep>] {
        [.required("bundle", \.bundle), .optional("accelerator", \.accelerator), .optional("threads", \.threads)]
    }

    func check() throws {
        try require(!bundle.isEmpty, "a step has no bundle")
        try require(threads >= 1, "threads is \(threads), expected 1 or more")
    }
}

/// What a benchmark does: every round times each step once, in an order that is drawn anew.
///
/// What slows the phone down for a while so slows all steps. The order is drawn because a step finds the caches as the
/// one before left them.
public struct TimingPlan: SchemaObject {
    public internal(set) var schemaVersion = TimingPlan.newestSchema
    /// What is timed.
    public var steps: [TimingStep] = []
    /// Rounds that are kept, 1 or more.
    public var rounds = 50
    /// Rounds before them that are not kept, 0 or more.
    public var warmupRounds = 5
    /// Number of fresh processes of each step, 1 or more. On iOS a host starts them: an app cannot.
    public var starts = 5
    /// Width and height in pixels of the decoded image that end-to-end timing begins with.
    public var picturePx = [640, 480]
    /// Seed of the drawn orders, 0 to 2^32 - 1.
    public var seed = 0
    /// When the device is cool enough.
    public var coolDown = CoolDown()

    /// The version that is read and written.
    public static let newestSchema = 1
    private static let file = "the timing plan"

    init() {}

    public init(steps: [TimingStep], rounds: Int = 50, warmupRounds: Int = 5, seed: Int = 0) {
        (self.steps, self.rounds, self.warmupRounds, self.seed) = (steps, rounds, warmupRounds, seed)
    }

    static var fields: [SchemaField<TimingPlan>] {
        [
            .required("schema_version", \.schemaVersion),
            .required("steps", \.steps),
            .optional("rounds", \.rounds),
            .optional("warmup_rounds", \.warmupRounds),
            .optional("starts", \.starts),
            .optional("picture_px", \.picturePx),
            .optional("seed", \.seed),
            .optional("cool_down", \.coolDown),
        ]
    }

    func check() throws {
        try require(!steps.isEmpty, "the plan has no steps")
        try require(Set(steps.map(\.name)).count == steps.count, "two steps of the plan are the same")
        let most = Int(Int32.max)
        try require((1...most).contains(rounds), "rounds is \(rounds), expected 1 to \(most)")
        try require((0...most).contains(warmupRounds), "warmup_rounds is \(warmupRounds), expected 0 to \(most)")
        try require((1...most).contains(starts), "starts is \(starts), expected 1 to \(most)")
        let isSize = picturePx.count == 2 && picturePx.allSatisfy((1...8192).contains)
        try require(isSize, "picture_px is \(picturePx), expected a width and a height of 1 to 8192")
        try require((0...0xFFFF_FFFF).contains(seed), "seed is \(seed), expected 0 to 4294967295")
    }

    /// Rounds of all steps, the warm-up included.
    public var allRounds: Int { steps.count * (warmupRounds + rounds) }

    /// The orders of all rounds, the warm-up first: each holds every index of `steps` once.
    public func orders() -> [[Int]] {
        var drawn = DrawnOrder(seed: seed)
        return (0..<warmupRounds + rounds).map { _ in drawn.next(steps.count) }
    }

    /// Reads a plan.
    ///
    /// - Throws: `FormatError` if the text is not JSON, has an unknown `schema_version` or field, or a value out of its
    ///   range.
    public static func read(_ text: String) throws -> TimingPlan {
        try SchemaFile.read(file, text, newest: newestSchema)
    }

    /// The plan as JSON.
    public func write() throws -> String {
        try SchemaFile.write(Self.file, self)
    }
}

/// Orders by Fisher-Yates over a linear congruential generator, so that every language draws the same ones.
public struct DrawnOrder: Sendable {
    private var numbers: LinearCongruential

    public init(seed: Int) {
        numbers = LinearCongruential(seed: seed)
    }

    /// The next order: each of 0 until `count` once.
    public mutating func next(_ count: Int) -> [Int] {
        var places = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            places.swapAt(last, Int(numbers.next() >> 8) % (last + 1))
        }
        return places
    }
}
