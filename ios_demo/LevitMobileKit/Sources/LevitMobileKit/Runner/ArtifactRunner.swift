/// Runs one artifact on one accelerator, in three steps that can be timed one by one: `write`, `run`, `read`.
///
/// A runner is not `Sendable`: one actor owns it, and nothing is locked. Its buffers are made once, when it is opened.
/// A runner that nobody holds any more is closed.
public protocol ArtifactRunner: AnyObject {
    /// Where the artifact runs.
    var accelerator: Accelerator { get }

    /// Number of CPU threads.
    var threads: Int { get }

    /// Number of classes, which is the number of logits.
    var classes: Int { get }

    /// What a timing record should state about the run, one sentence each; empty if nothing.
    var notes: [String] { get }

    /// Lays an image out as the artifact's input.
    ///
    /// - Parameter pixels: RGB bytes [height,width,3], prepared already: resized and cropped as the contract states.
    /// - Throws: `ImageError` if the size is not that of the input; the runtime has seen nothing then. `InferenceError`
    ///   if the runtime does not take the image, or the runner is closed.
    func write(_ pixels: [UInt8]) throws

    /// Runs the artifact once: the inference alone.
    ///
    /// - Throws: `InferenceError` if the runtime reports an error, or the runner is closed.
    func run() throws

    /// Copies the logits of the last `run`.
    ///
    /// - Parameter logits: Gets one value per class.
    /// - Throws: `ImageError` if its size is not `classes`. `InferenceError` if the artifact gave something other than
    ///   one tensor of logits, or the runner is closed.
    func read(into logits: inout [Float]) throws

    /// Frees the runtime's memory. More than once is allowed; the three steps throw afterwards.
    func close()
}

extension ArtifactRunner {
    /// Runs one image.
    ///
    /// - Parameter pixels: RGB bytes [height,width,3], prepared already.
    /// - Returns: A new array with one logit per class.
    public func infer(_ pixels: [UInt8]) throws -> [Float] {
        try write(pixels)
        try run()
        var logits = [Float](repeating: 0, count: classes)
        try read(into: &logits)
        return logits
    }
}

/// A runtime that is there refused an artifact, or failed while it ran one.
public struct InferenceError: Error, Equatable, CustomStringConvertible {
    /// What failed, in one sentence.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
