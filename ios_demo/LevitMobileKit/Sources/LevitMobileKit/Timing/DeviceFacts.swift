/// What a session asks about the device; `IOSDevice` answers on an iPhone.
public protocol DeviceFacts: Sendable {
    /// What does not change while the app runs.
    func device() async -> Device

    /// The device at this moment.
    func conditions() async -> Conditions

    /// Largest size in bytes that this process has had in memory; nil if unknown.
    func peakMemoryBytes() -> Int?
}

/// What a session does at one moment.
public struct SessionMoment: Sendable, Equatable {
    /// The step that it does it for.
    public let step: TimingStep
    /// What it does.
    public let phase: Phase
    /// Rounds of all steps done, the warm-up included.
    public let done: Int
    /// All of them.
    public let total: Int
    /// Time waited so far for the device to cool before this round, in ms; 0 in other phases.
    public let coolingMs: Int

    public init(step: TimingStep, phase: Phase, done: Int, total: Int, coolingMs: Int = 0) {
        (self.step, self.phase, self.done, self.total) = (step, phase, done, total)
        self.coolingMs = coolingMs
    }

    /// The phases of a step, as Kotlin's `ProcessPhase`; `doing` completes the sentence "the process died while ...".
    public enum Phase: String, Sendable, CaseIterable {
        /// The runtime loads the artifact.
        case loading
        /// The golden images run on the step's accelerator.
        case checking
        /// The session waits for the device to cool.
        case cooling
        /// Rounds that are not kept run.
        case warmingUp = "warming_up"
        /// Rounds that are kept run.
        case timing

        /// Words for a marker.
        public var doing: String {
            switch self {
            case .loading: "loading the artifact"
            case .checking: "running the golden images"
            case .cooling: "waiting for the device to cool"
            case .warmingUp: "warming up"
            case .timing: "running the timed rounds"
            }
        }
    }
}
