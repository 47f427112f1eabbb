/// What a model sees in one image.
public struct Classification: Sendable, Equatable {
    /// The best classes, best first.
    public let classes: [ClassScore]
    /// Milliseconds from the decoded image to the filled input. Decoding is not counted.
    public let preprocessMs: Double
    /// Milliseconds of the inference alone.
    public let inferenceMs: Double

    public init(classes: [ClassScore], preprocessMs: Double, inferenceMs: Double) {
        (self.classes, self.preprocessMs, self.inferenceMs) = (classes, preprocessMs, inferenceMs)
    }
}

/// An artifact that does not compute on this device what the trained model computes.
public struct BrokenBundleError: Error, Equatable, CustomStringConvertible {
    /// Name of the bundle.
    public let name: String
    /// Which bounds do not hold, and by how much.
    public let check: CheckResult

    public init(name: String, check: CheckResult) {
        (self.name, self.check) = (name, check)
    }

    /// The bundle and the reasons in one sentence.
    public var description: String { "\(name) fails its self-check: \(check.reasons.joined(separator: "; "))" }
}
