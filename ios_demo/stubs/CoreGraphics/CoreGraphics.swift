// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
@_exported import Foundation

public typealias CFData = Data
/// The SDK's bridges to dictionaries, which Linux has not.
public typealias CFDictionary = Any
public typealias CFString = String

@available(iOS 2.0, *)
public final class CGImage: @unchecked Sendable {
    public var width: Int { fatalError() }
    public var height: Int { fatalError() }
}

@available(iOS 2.0, *)
public final class CGColorSpace {
    @available(iOS 9.0, *)
    public static var sRGB: CFString { fatalError() }
    public init?(name: CFString) { fatalError() }
}

@available(iOS 2.0, *)
public enum CGImageAlphaInfo: UInt32, @unchecked Sendable {
    case none = 0
    case premultipliedLast = 1
}

@available(iOS 2.0, *)
public enum CGInterpolationQuality: Int32, @unchecked Sendable {
    case `default` = 0
    case none = 1
}

@available(iOS 2.0, *)
public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { fatalError() }
    public var data: UnsafeMutableRawPointer? { fatalError() }
    public var bytesPerRow: Int { fatalError() }
    public var interpolationQuality: CGInterpolationQuality {
        get { fatalError() }
        set { fatalError() }
    }
    public func setFillColor(red: CGFloat, green: CGFloat, blue: CGFloat, alpha: CGFloat) { fatalError() }
    public func fill(_ rect: CGRect) { fatalError() }
    public func draw(_ image: CGImage, in rect: CGRect, byTiling: Bool = false) { fatalError() }
}
