import AVFoundation
import SwiftUI
import UIKit

/// What the camera sees, upright in every position of the device.
struct Viewfinder: UIViewRepresentable {
    let capture: CaptureSession

    func makeUIView(context: Context) -> PreviewView {
        let view = PreviewView()
        view.preview?.session = capture.session
        view.preview?.videoGravity = .resizeAspectFill
        view.isAccessibilityElement = true
        if let device = CaptureSession.device { view.follow(device) }
        return view
    }

    func updateUIView(_ view: PreviewView, context: Context) {}
}

/// A view whose layer draws a capture session.
final class PreviewView: UIView {
    private var rotation: AVCaptureDevice.RotationCoordinator?
    private var observation: NSKeyValueObservation?

    override class var layerClass: AnyClass { AVCaptureVideoPreviewLayer.self }

    var preview: AVCaptureVideoPreviewLayer? { layer as? AVCaptureVideoPreviewLayer }

    /// Turns the preview with the device.
    func follow(_ device: AVCaptureDevice) {
        let rotation = AVCaptureDevice.RotationCoordinator(device: device, previewLayer: preview)
        self.rotation = rotation
        observation = rotation.observe(\.videoRotationAngleForHorizonLevelPreview, options: [.initial, .new]) {
            [weak self] _, change in
            guard let angle = change.newValue else { return }
            Task { @MainActor in self?.turn(angle) }
        }
    }

    private func turn(_ angle: CGFloat) {
        guard let connection = preview?.connection, connection.isVideoRotationAngleSupported(angle) else { return }
        connection.videoRotationAngle = angle
    }
}
