/// What a screen shows. Views draw it and decide nothing. `Value` is what a finished run shows, such as the top classes
/// of an image.
public enum ScreenState<Value: Sendable>: Sendable {
    /// A bundle is copied, loaded or checked.
    case loading
    /// Everything is in place; nothing was run yet.
    case ready
    /// A run goes on: steps done, and all steps, 0 when unknown.
    case running(done: Int = 0, total: Int = 0)
    /// A run has finished.
    case result(Value)
    /// Something failed; the screen shows why and what to do.
    case failed(FailureReason)

    /// The state after an event. An event that does not belong to a state leaves it as it is: a result that arrives
    /// after a cancellation changes nothing.
    public func after(_ event: ScreenEvent<Value>) -> ScreenState {
        switch (event, self) {
        case (.reloaded, _): .loading
        case (.broke(let reason), _): .failed(reason)
        case (.loaded, .loading): .ready
        case (.started, .ready), (.started, .result): .running()
        case (.progressed(let done, let total), .running): .running(done: done, total: total)
        case (.succeeded(let value), .running): .result(value)
        case (.cancelled, .running): .ready
        default: self
        }
    }
}

extension ScreenState: Equatable where Value: Equatable {}

/// What happens to a screen.
public enum ScreenEvent<Value: Sendable>: Sendable {
    /// Loading has finished.
    case loaded
    /// The user or the camera started a run.
    case started
    /// A run got further.
    case progressed(done: Int, total: Int)
    /// A run has finished.
    case succeeded(Value)
    /// Loading or a run failed.
    case broke(FailureReason)
    /// The user cancelled a run.
    case cancelled
    /// The user wants to load again, or chose another bundle.
    case reloaded
}

/// Why a screen shows nothing; the app has a sentence for each code.
public struct FailureReason: Sendable, Equatable {
    /// Stable name, for sentences and saved state.
    public let code: Code
    /// What the sentence quotes, such as a bundle's name; empty if nothing.
    public let detail: String

    public init(_ code: Code, detail: String = "") {
        (self.code, self.detail) = (code, detail)
    }

    /// The kinds of failure.
    public enum Code: String, Sendable, CaseIterable {
        /// No bundle was deployed.
        case noBundle = "no-bundle"
        /// A file of the bundle is missing or has another digest.
        case damagedBundle = "damaged-bundle"
        /// The app's runtime cannot load the artifact: too old a runtime, or another target.
        case unsupportedBundle = "unsupported-bundle"
        /// The golden images do not give the trained model's logits.
        case brokenBundle = "broken-bundle"
        /// The storage is full.
        case diskFull = "disk-full"
        /// The device is too old for the artifact.
        case unsupportedDevice = "unsupported-device"
        /// The device has no such accelerator, or no runtime for it.
        case noAccelerator = "no-accelerator"
        /// The process died during the run.
        case processDied = "process-died"
        /// The camera permission was denied.
        case cameraDenied = "camera-denied"
        /// The camera permission was denied and will not be asked for again.
        case cameraDeniedForGood = "camera-denied-for-good"
        /// The device has no camera, as the simulator.
        case noCamera = "no-camera"
        /// Another app uses the camera, or the system took it away for a while.
        case cameraInUse = "camera-in-use"
        /// The image cannot be decoded.
        case unreadableImage = "unreadable-image"
        /// The device stayed too hot.
        case tooHot = "too-hot"
        /// Anything else.
        case unexpected
    }
}
