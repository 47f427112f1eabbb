import AVFoundation
import CoreMedia
import CoreVideo
import LevitMobileKit

/// The back camera. Frames are copied on its own queue, so that nothing of AVFoundation leaves it.
///
/// All mutable state is used on `queue` alone. The session itself is read on the main thread, for the viewfinder, which
/// AVFoundation allows.
final class CaptureSession: NSObject, @unchecked Sendable {
    /// What the viewfinder draws.
    let session = AVCaptureSession()
    private let queue = DispatchQueue(label: "dev.levitmobile.demo.camera", qos: .userInitiated)
    private let output = AVCaptureVideoDataOutput()
    private var rotation: AVCaptureDevice.RotationCoordinator?
    private var listener: Listener?
    private var observers: [any NSObjectProtocol] = []

    private struct Listener {
        let gate: FrameGate
        let events: AsyncStream<CameraEvent>.Continuation
    }

    /// The camera that is used; nil on a device without one, such as the simulator.
    static var device: AVCaptureDevice? {
        AVCaptureDevice.default(.builtInWideAngleCamera, for: .video, position: .back)
            ?? AVCaptureDevice.default(for: .video)
    }

    /// Streams frames until the stream's consumer stops.
    func stream(_ gate: FrameGate, _ events: AsyncStream<CameraEvent>.Continuation) {
        events.onTermination = { [weak self] _ in self?.stop() }
        queue.async { [weak self] in self?.start(Listener(gate: gate, events: events)) }
    }

    private func stop() {
        queue.async { [weak self] in
            guard let self else { return }
            listener = nil
            observers.forEach { NotificationCenter.default.removeObserver($0) }
            observers = []
            session.stopRunning()
        }
    }

    private func start(_ listener: Listener) {
        do {
            if rotation == nil { try configure() }
            self.listener = listener
            observe()
            session.startRunning()
        } catch {
            let reason = FailureReason(.noCamera, detail: (error as? CameraError)?.description ?? "\(error)")
            listener.events.yield(.trouble(reason))
        }
    }

    private func configure() throws {
        guard let device = Self.device else { throw CameraError.none }
        let input = try AVCaptureDeviceInput(device: device)
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        session.sessionPreset = .high
        guard session.canAddInput(input), session.canAddOutput(output) else { throw CameraError.refused }
        session.addInput(input)
        output.videoSettings = [kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA]
        output.alwaysDiscardsLateVideoFrames = true
        output.setSampleBufferDelegate(self, queue: queue)
        session.addOutput(output)
        // The classifier turns the pixels by itself, exactly and without a further copy.
        if let connection = output.connection(with: .video), connection.isVideoRotationAngleSupported(0) {
            connection.videoRotationAngle = 0
        }
        rotation = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: nil)
    }

    private func observe() {
        observe(AVCaptureSession.wasInterruptedNotification) { .trouble(Self.reason($0)) }
        observe(AVCaptureSession.interruptionEndedNotification) { _ in .trouble(nil) }
        observe(AVCaptureSession.runtimeErrorNotification) { note in
            let error = note.userInfo?[AVCaptureSessionErrorKey] as? any Error
            return .trouble(FailureReason(.unexpected, detail: error?.localizedDescription ?? ""))
        }
    }

    private func observe(_ name: Notification.Name, _ event: @escaping @Sendable (Notification) -> CameraEvent) {
        guard let events = listener?.events else { return }
        let observer = NotificationCenter.default.addObserver(forName: name, object: session, queue: nil) { note in
            events.yield(event(note))
        }
        observers.append(observer)
    }

    /// The background is no trouble: the screen is not in sight then.
    private static func reason(_ note: Notification) -> FailureReason? {
        let number = note.userInfo?[AVCaptureSessionInterruptionReasonKey] as? Int
        let reason = number.flatMap(AVCaptureSession.InterruptionReason.init(rawValue:))
        return reason == .videoDeviceNotAvailableInBackground ? nil : FailureReason(.cameraInUse)
    }
}

extension CaptureSession: AVCaptureVideoDataOutputSampleBufferDelegate {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection
    ) {
        guard let listener, let buffer = CMSampleBufferGetImageBuffer(sampleBuffer), listener.gate.enter() else {
            return
        }
        do {
            let degrees = Int((rotation?.videoRotationAngleForHorizonLevelCapture ?? 0).rounded())
            let picture = try Picture(copying: buffer)
            let orientation = try Orientation(clockwiseDegrees: degrees)
            listener.events.yield(.frame(CameraFrame(pixels: picture, orientation: orientation)))
        } catch {
            listener.gate.leave()
            listener.events.yield(.trouble(FailureReason(.unexpected, detail: "\(error)")))
        }
    }
}

/// Why no camera can be opened.
private enum CameraError: Error, CustomStringConvertible {
    case none, refused

    var description: String {
        switch self {
        case .none: ""
        case .refused: "the capture session takes no input or output"
        }
    }
}
