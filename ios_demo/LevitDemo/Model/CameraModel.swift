import Dispatch
import LevitMobileKit
import Observation

/// The classes of the last camera frame.
struct LiveResult: Sendable, Equatable {
    /// The classes and the times.
    let classification: Classification
    /// Frames classified per second; nil after the first frame.
    let framesPerSecond: Double?
    /// The bundle and where it runs.
    let choice: Choice
}

/// Classifies camera frames, one at a time. Frames that come meanwhile are dropped.
@MainActor @Observable
final class CameraModel {
    /// Whether the app may use the camera.
    private(set) var permission: CameraPermission
    /// Grows with every retry, so that the screen opens the camera and the bundle anew.
    private(set) var attempt = 0

    private var engine = ScreenState<LiveResult>.loading
    private var trouble: FailureReason?
    @ObservationIgnored private var rate: FrameRate
    @ObservationIgnored private let classifiers: any ClassifierSource
    @ObservationIgnored private let camera: any CameraSource

    init(
        classifiers: any ClassifierSource, camera: any CameraSource,
        now: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }
    ) {
        (self.classifiers, self.camera, rate) = (classifiers, camera, FrameRate(now: now))
        permission = camera.permission()
    }

    /// What the screen shows once the permission was asked for.
    var state: ScreenState<LiveResult> {
        (permission.failure ?? trouble).map(ScreenState.failed) ?? engine
    }

    /// Looks at the permission again, whenever the screen comes to the front.
    func look() {
        permission = camera.permission()
    }

    /// Asks for the permission.
    func ask() async {
        permission = await camera.ask()
    }

    /// Opens the camera and the bundle again.
    func retry() {
        trouble = nil
        attempt += 1
    }

    /// Opens a bundle and classifies frames until the caller is cancelled, which the screen does when it goes.
    func run(_ choice: Choice) async {
        engine.take(.reloaded)
        rate.clear()
        trouble = nil
        guard let opened = await outcome({ try await classifiers.open(choice) }) else { return }
        switch opened {
        case .succeeded(let classifier):
            engine.take(.loaded)
            await stream(classifier)
            await classifier.close()
        case .broke(let reason): engine.take(.broke(reason))
        default: break
        }
    }

    private func stream(_ classifier: any Classifier) async {
        let gate = FrameGate()
        for await event in camera.events(gate) {
            switch event {
            case .trouble(let reason): trouble = reason
            case .frame(let frame):
                await classify(frame, classifier)
                gate.leave()
            }
        }
    }

    /// Frames follow each other at once, so the state between two results is never shown.
    private func classify(_ frame: CameraFrame, _ classifier: any Classifier) async {
        switch await outcome({ try await classifier.classify(frame) }) {
        case .succeeded(let found):
            let result = LiveResult(
                classification: found, framesPerSecond: rate.next(), choice: classifier.choice)
            engine = engine.after(.started).after(.succeeded(result))
        case .broke(let reason): engine.take(.broke(reason))
        default: break
        }
    }
}
