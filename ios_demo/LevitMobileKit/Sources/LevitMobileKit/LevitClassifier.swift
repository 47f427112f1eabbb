import Foundation

/// Classifies images with one bundle on one accelerator.
///
/// ```swift
/// let classifier = try await LevitClassifier(bundle: folder)
/// let result = try await classifier.classify(frame)
/// ```
///
/// The classifier is an actor: preparation and inference happen one call after the other, away from the main thread.
/// Each call occupies one of Swift's cooperative threads until its result is there. An image is turned upright first,
/// then resized and cropped exactly as the contract states: the prepared pixels are those of `levit-mobile`.
/// Transparent images are laid over white. Images of one size reuse all memory.
public actor LevitClassifier {
    /// What is run.
    nonisolated public let bundle: LevitBundle
    /// The result of the golden images on this very accelerator, made when the classifier was opened.
    nonisolated public let check: CheckResult
    /// Where it runs.
    nonisolated public let accelerator: Accelerator
    /// Number of CPU threads of the inference.
    nonisolated public let threads: Int
    /// What a timing record should state about this run, one sentence each.
    nonisolated public let notes: [String]

    private let runner: any ArtifactRunner
    private var preprocessor: Preprocessor
    private var logits: [Float]
    private var isClosed = false

    /// Opens a bundle's folder, compares its digests, loads its artifact and runs its golden images.
    ///
    /// - Parameters:
    ///   - bundle: A folder that holds `contract.json`.
    ///   - accelerator: Where to run; nothing else is tried if it cannot.
    ///   - threads: Number of CPU threads, 1 or more.
    ///   - loaders: One per runtime that the app has.
    /// - Throws: `StoreError` if a file is missing or is not what the contract states. `NotAvailableError` if the device
    ///   or the app lacks what the artifact needs. `BrokenBundleError` if a golden image breaks a bound.
    ///   `InferenceError` if the runtime refuses the artifact. `CancellationError`.
    public init(
        bundle: URL, accelerator: Accelerator = .cpu, threads: Int = 1, loaders: [any ArtifactLoader] = .standard
    ) async throws {
        let opened = try await Self.opened(bundle, accelerator, threads, loaders)
        let runner = opened.runner
        (self.bundle, check, preprocessor) = (opened.bundle, opened.check, opened.preprocessor)
        (self.accelerator, self.threads, notes) = (runner.accelerator, runner.threads, runner.notes)
        logits = [Float](repeating: 0, count: runner.classes)
        self.runner = runner
    }

    /// Classifies an image of any size.
    ///
    /// - Parameters:
    ///   - frame: Pixels in sRGB.
    ///   - orientation: How the frame must be turned to be upright.
    ///   - k: Number of classes in the result, 1 or more.
    /// - Throws: `ImageError` if the image is too large for its sizes to be computed. `InferenceError` if the runtime
    ///   failed, the classifier is closed, or `k` is below 1.
    public func classify(_ frame: Frame, orientation: Orientation = .upright, k: Int = 5) throws -> Classification {
        if k < 1 { throw InferenceError("k is \(k), expected 1 or more") }
        if isClosed { throw InferenceError("the classifier is closed") }
        let watch = Stopwatch()
        let preprocessMs = try watch.time {
            try preprocessor.prepare(frame, orientation)
            try runner.write(preprocessor.pixels)
        }
        let inferenceMs = try watch.time(runner.run)
        try runner.read(into: &logits)
        let head = bundle.contract.output.head
        let best = try TopClasses.of(logits, labels: bundle.labels, head: head, k: k)
        return Classification(classes: best, preprocessMs: preprocessMs, inferenceMs: inferenceMs)
    }

    /// Frees the runtime's memory, more than once if need be. Calls that began before end first, later ones throw.
    public func close() {
        isClosed = true
        runner.close()
    }

    /// What `init` makes before there is an actor.
    private struct Opened {
        let bundle: LevitBundle
        let runner: any ArtifactRunner
        let check: CheckResult
        let preprocessor: Preprocessor
    }

    private static func opened(
        _ folder: URL, _ accelerator: Accelerator, _ threads: Int, _ loaders: [any ArtifactLoader]
    ) async throws -> sending Opened {
        let bundle = try LevitBundle(opening: folder)
        try Task.checkCancellation()
        let loader = try loaders.loader(of: bundle.runtime)
        let preprocessor = try Preprocessor(bundle.contract)
        let runner = try await loader.open(bundle, accelerator, threads: threads, isolation: nil)
        let contract = bundle.contract
        let check = try await SelfCheck.run(bundle.golden, contract.tolerance, contract.output.head) {
            try runner.infer($0)
        }
        try require(check, of: bundle)
        return Opened(bundle: bundle, runner: runner, check: check, preprocessor: preprocessor)
    }

    /// A bundle without golden images is allowed; its check states that nothing was compared.
    private static func require(_ check: CheckResult, of bundle: LevitBundle) throws {
        if check.verdict == .broken { throw BrokenBundleError(name: bundle.folder.lastPathComponent, check: check) }
        if check.verdict == .notRun && !bundle.golden.isEmpty {
            throw NotAvailableError(check.reasons.joined(separator: "; "))
        }
    }
}
