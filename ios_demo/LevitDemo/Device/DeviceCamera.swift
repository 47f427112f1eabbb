import AVFoundation
import LevitMobileKit

/// The device's camera by AVFoundation.
struct DeviceCamera: CameraSource {
    let capture: CaptureSession

    /// Without a camera there is nothing to ask for: the stream then reports that there is none.
    func permission() -> CameraPermission {
        if CaptureSession.device == nil { return .granted }
        return switch AVCaptureDevice.authorizationStatus(for: .video) {
        case .authorized: .granted
        case .notDetermined: .ask
        default: .denied
        }
    }

    func ask() async -> CameraPermission {
        await AVCaptureDevice.requestAccess(for: .video) ? .granted : .denied
    }

    func events(_ gate: FrameGate) -> AsyncStream<CameraEvent> {
        AsyncStream { capture.stream(gate, $0) }
    }
}
