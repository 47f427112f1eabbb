// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
@_exported import CoreGraphics

public typealias CFAllocator = AnyObject
public typealias CVReturn = Int32
public typealias CVOptionFlags = UInt64

@available(iOS 4.0, *)
public final class CVImageBuffer {}
public typealias CVPixelBuffer = CVImageBuffer

@available(iOS 4.0, *)
public struct CVPixelBufferLockFlags: OptionSet, Sendable {
    public let rawValue: CVOptionFlags
    public init(rawValue: CVOptionFlags) { self.rawValue = rawValue }
    public static var readOnly: CVPixelBufferLockFlags { fatalError() }
}

@available(iOS 4.0, *)
public var kCVReturnSuccess: CVReturn { fatalError() }
@available(iOS 4.0, *)
public var kCVPixelFormatType_32BGRA: OSType { fatalError() }
@available(iOS 4.0, *)
public var kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: OSType { fatalError() }
@available(iOS 4.0, *)
public var kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange: OSType { fatalError() }
@available(iOS 4.0, *)
public var kCVPixelBufferPixelFormatTypeKey: CFString { fatalError() }
@available(iOS 4.0, *)
public var kCVPixelBufferIOSurfacePropertiesKey: CFString { fatalError() }
public typealias OSType = UInt32

@available(iOS 4.0, *)
public func CVPixelBufferCreate(
    _ allocator: CFAllocator?, _ width: Int, _ height: Int, _ pixelFormatType: OSType,
    _ pixelBufferAttributes: CFDictionary?, _ pixelBufferOut: UnsafeMutablePointer<CVPixelBuffer?>
) -> CVReturn { fatalError() }
@available(iOS 4.0, *)
@discardableResult
public func CVPixelBufferLockBaseAddress(_ pixelBuffer: CVPixelBuffer, _ lockFlags: CVPixelBufferLockFlags) -> CVReturn
{
    fatalError()
}
@available(iOS 4.0, *)
@discardableResult
public func CVPixelBufferUnlockBaseAddress(
    _ pixelBuffer: CVPixelBuffer, _ unlockFlags: CVPixelBufferLockFlags
) -> CVReturn { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetBaseAddress(_ pixelBuffer: CVPixelBuffer) -> UnsafeMutableRawPointer? { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetBytesPerRow(_ pixelBuffer: CVPixelBuffer) -> Int { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetHeight(_ pixelBuffer: CVPixelBuffer) -> Int { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetWidth(_ pixelBuffer: CVPixelBuffer) -> Int { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetPixelFormatType(_ pixelBuffer: CVPixelBuffer) -> OSType { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetBaseAddressOfPlane(_ pixelBuffer: CVPixelBuffer, _ planeIndex: Int)
    -> UnsafeMutableRawPointer?
{ fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetBytesPerRowOfPlane(_ pixelBuffer: CVPixelBuffer, _ planeIndex: Int) -> Int { fatalError() }
@available(iOS 4.0, *)
public func CVPixelBufferGetHeightOfPlane(_ pixelBuffer: CVPixelBuffer, _ planeIndex: Int) -> Int { fatalError() }
