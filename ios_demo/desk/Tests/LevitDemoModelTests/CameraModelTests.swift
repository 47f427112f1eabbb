import LevitMobileKit
import Testing

@testable import LevitDemoModel

@MainActor @Suite("CameraModel")
struct CameraModelTests {
    private func model(_ camera: FakeCamera, _ classifiers: FakeClassifiers = FakeClassifiers()) -> CameraModel {
        let time = Box<UInt64>(0)
        return CameraModel(classifiers: classifiers, camera: camera) {
            time.change { $0 += 100_000_000 }
            return time.value
        }
    }

    @Test("Frames give the classes, the times, the bundle and the frame rate")
    func frames() async throws {
        let closed = Box(0)
        let classifiers = FakeClassifiers { _ in FakeClassifier(closed: closed) }
        let camera = FakeCamera(script: [try Sample.frame, try Sample.frame])
        let model = model(camera, classifiers)
        #expect(model.state == .loading)
        await model.run(Choice())
        let result = LiveResult(
            classification: Sample.classification, framesPerSecond: 10, choice: Choice(bundle: "a"))
        #expect(model.state == .result(result))
        #expect(camera.entered.value == [true, true], "the gate opens again after each frame")
        #expect(closed.value == 1)
    }

    @Test("The screen asks first; a denied camera leads to the settings, and an allowed one goes on")
    func permission() async {
        let model = model(FakeCamera(allowed: Box(.ask), answer: .denied))
        #expect(model.permission == .ask)
        await model.ask()
        #expect(model.state == .failed(FailureReason(.cameraDeniedForGood)))
        #expect(FailureWords(FailureReason(.cameraDeniedForGood)).action == .openSettings)

        let allowed = Box(CameraPermission.denied)
        let other = self.model(FakeCamera(allowed: allowed))
        #expect(other.state == .failed(FailureReason(.cameraDeniedForGood)))
        allowed.change { $0 = .granted }
        other.look()
        #expect(other.state == .loading)
    }

    @Test("A device without a camera says so")
    func noCamera() async {
        let reason = FailureReason(.noCamera)
        let model = model(FakeCamera(script: [.trouble(reason)]))
        await model.run(Choice())
        #expect(model.state == .failed(reason))
    }

    @Test("A camera that another app had goes on by itself")
    func cameraInUse() async throws {
        let reason = FailureReason(.cameraInUse)
        let lost = model(FakeCamera(script: [try Sample.frame, .trouble(reason)]))
        await lost.run(Choice())
        #expect(lost.state == .failed(reason))
        let back = model(FakeCamera(script: [.trouble(reason), .trouble(nil), try Sample.frame]))
        await back.run(Choice())
        #expect(back.state.value != nil)
    }

    @Test("A bundle that cannot be opened or run is the failure; a retry opens it again")
    func broken() async throws {
        let closed = model(FakeCamera(), FakeClassifiers { _ in throw NoBundleError() })
        await closed.run(Choice())
        #expect(closed.state == .failed(FailureReason(.noBundle)))
        let attempt = closed.attempt
        closed.retry()
        #expect(closed.attempt == attempt + 1)

        let failing = FakeClassifiers { _ in FakeClassifier(answer: { throw InferenceError("no memory") }) }
        let model = model(FakeCamera(script: [try Sample.frame]), failing)
        await model.run(Choice())
        #expect(model.state == .failed(FailureReason(.unexpected, detail: "no memory")))
    }

    @Test("A screen that goes closes the bundle and shows no failure")
    func cancelled() async throws {
        let (closed, began) = (Box(0), Box(false))
        let classifiers = FakeClassifiers { _ in
            FakeClassifier(closed: closed) {
                began.change { $0 = true }
                try await untilCancelled()
                return Sample.classification
            }
        }
        let model = model(FakeCamera(script: [try Sample.frame], isEndless: true), classifiers)
        let running = Task { await model.run(Choice()) }
        await until { began.value }
        running.cancel()
        await running.value
        #expect(model.state == .ready)
        #expect(closed.value == 1)
    }

    @Test("The gate lets one frame in at a time")
    func gate() {
        let gate = FrameGate()
        #expect([gate.enter(), gate.enter()] == [true, false])
        gate.leave()
        #expect(gate.enter())
    }

    @Test("The frame rate is that of the last 20 frames")
    func rate() {
        let times = Box<[UInt64]>((0..<30).map { $0 < 10 ? $0 : 10 + ($0 - 10) * 500_000_000 })
        var rate = FrameRate {
            defer { times.change { $0.removeFirst() } }
            return times.value[0]
        }
        let rates = (0..<30).map { _ in rate.next() }
        #expect(rates[0] == nil)
        #expect(rates[29] == 2)
        rate.clear()
    }
}
