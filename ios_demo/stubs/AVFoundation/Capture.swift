// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
import CoreMedia
import Dispatch
@_exported import Foundation
import QuartzCore

@available(iOS 4.0, *)
public struct AVMediaType: Hashable, Equatable, RawRepresentable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static var video: AVMediaType { fatalError() }
}

@available(iOS 7.0, *)
public enum AVAuthorizationStatus: Int, @unchecked Sendable {
    case notDetermined = 0
    case restricted = 1
    case denied = 2
    case authorized = 3
}

@available(iOS 4.0, *)
open class AVCaptureDevice: NSObject, @unchecked Sendable {
    @available(iOS 10.0, *)
    public struct DeviceType: Hashable, Equatable, RawRepresentable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public static var builtInWideAngleCamera: AVCaptureDevice.DeviceType { fatalError() }
    }

    public enum Position: Int, @unchecked Sendable {
        case unspecified = 0
        case back = 1
        case front = 2
    }

    open class func `default`(for mediaType: AVMediaType) -> AVCaptureDevice? { fatalError() }
    @available(iOS 10.0, *)
    open class func `default`(
        _ deviceType: AVCaptureDevice.DeviceType, for mediaType: AVMediaType?, position: AVCaptureDevice.Position
    ) -> AVCaptureDevice? { fatalError() }
    @available(iOS 7.0, *)
    open class func authorizationStatus(for mediaType: AVMediaType) -> AVAuthorizationStatus { fatalError() }
    @available(iOS 7.0, *)
    open class func requestAccess(for mediaType: AVMediaType) async -> Bool { fatalError() }

    @available(iOS 17.0, *)
    open class RotationCoordinator: NSObject {
        public init(device: AVCaptureDevice, previewLayer: CALayer?) { fatalError() }
        open var videoRotationAngleForHorizonLevelPreview: CGFloat { fatalError() }
        open var videoRotationAngleForHorizonLevelCapture: CGFloat { fatalError() }
    }
}

@available(iOS 4.0, *)
open class AVCaptureInput: NSObject {}

@available(iOS 4.0, *)
open class AVCaptureDeviceInput: AVCaptureInput {
    public init(device: AVCaptureDevice) throws { fatalError() }
}

@available(iOS 4.0, *)
open class AVCaptureConnection: NSObject {
    @available(iOS 17.0, *)
    open var videoRotationAngle: CGFloat {
        get { fatalError() }
        set { fatalError() }
    }
    @available(iOS 17.0, *)
    open func isVideoRotationAngleSupported(_ videoRotationAngle: CGFloat) -> Bool { fatalError() }
}

@available(iOS 4.0, *)
open class AVCaptureOutput: NSObject {
    @available(iOS 5.0, *)
    open func connection(with mediaType: AVMediaType) -> AVCaptureConnection? { fatalError() }
}

@available(iOS 4.0, *)
open class AVCaptureVideoDataOutput: AVCaptureOutput {
    open func setSampleBufferDelegate(
        _ sampleBufferDelegate: (any AVCaptureVideoDataOutputSampleBufferDelegate)?,
        queue sampleBufferCallbackQueue: DispatchQueue?
    ) { fatalError() }
    // swift-format-ignore: NeverUseImplicitlyUnwrappedOptionals
    open var videoSettings: [String: Any]! {
        get { fatalError() }
        set { fatalError() }
    }
    @available(iOS 5.0, *)
    open var alwaysDiscardsLateVideoFrames: Bool {
        get { fatalError() }
        set { fatalError() }
    }
}

// Its method is optional in the SDK, which Swift can state with Objective-C alone.
@available(iOS 4.0, *)
public protocol AVCaptureVideoDataOutputSampleBufferDelegate: NSObjectProtocol {
    func captureOutput(
        _ output: AVCaptureOutput, didOutput sampleBuffer: CMSampleBuffer, from connection: AVCaptureConnection)
}

@available(iOS 4.0, *)
open class AVCaptureSession: NSObject {
    @available(iOS 4.0, *)
    public struct Preset: Hashable, Equatable, RawRepresentable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public static var high: AVCaptureSession.Preset { fatalError() }
    }

    @available(iOS 9.0, *)
    public enum InterruptionReason: Int, @unchecked Sendable {
        case videoDeviceNotAvailableInBackground = 1
        case audioDeviceInUseByAnotherClient = 2
        case videoDeviceInUseByAnotherClient = 3
        case videoDeviceNotAvailableWithMultipleForegroundApps = 4
        case videoDeviceNotAvailableDueToSystemPressure = 5
    }

    open var sessionPreset: AVCaptureSession.Preset {
        get { fatalError() }
        set { fatalError() }
    }
    open func canAddInput(_ input: AVCaptureInput) -> Bool { fatalError() }
    open func addInput(_ input: AVCaptureInput) { fatalError() }
    open func canAddOutput(_ output: AVCaptureOutput) -> Bool { fatalError() }
    open func addOutput(_ output: AVCaptureOutput) { fatalError() }
    open func beginConfiguration() { fatalError() }
    open func commitConfiguration() { fatalError() }
    open func startRunning() { fatalError() }
    open func stopRunning() { fatalError() }
    public class var runtimeErrorNotification: NSNotification.Name { fatalError() }
    public class var wasInterruptedNotification: NSNotification.Name { fatalError() }
    public class var interruptionEndedNotification: NSNotification.Name { fatalError() }
}

@available(iOS 4.0, *)
public let AVCaptureSessionErrorKey: String = "AVCaptureSessionErrorKey"
@available(iOS 9.0, *)
public let AVCaptureSessionInterruptionReasonKey: String = "AVCaptureSessionInterruptionReasonKey"

@available(iOS 4.0, *)
public struct AVLayerVideoGravity: Hashable, Equatable, RawRepresentable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public static var resizeAspectFill: AVLayerVideoGravity { fatalError() }
}

@available(iOS 4.0, *)
open class AVCaptureVideoPreviewLayer: CALayer {
    open var session: AVCaptureSession? {
        get { fatalError() }
        set { fatalError() }
    }
    @available(iOS 6.0, *)
    open var connection: AVCaptureConnection? { fatalError() }
    open var videoGravity: AVLayerVideoGravity {
        get { fatalError() }
        set { fatalError() }
    }
}
