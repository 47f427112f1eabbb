// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
@_exported import CoreGraphics

@available(iOS 4.0, *)
public final class CGImageSource {}

@available(iOS 4.0, *)
public func CGImageSourceCreateWithData(_ data: CFData, _ options: CFDictionary?) -> CGImageSource? { fatalError() }
@available(iOS 4.0, *)
public func CGImageSourceCreateImageAtIndex(
    _ isrc: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CGImage? { fatalError() }
@available(iOS 4.0, *)
public func CGImageSourceCopyPropertiesAtIndex(
    _ isrc: CGImageSource, _ index: Int, _ options: CFDictionary?
) -> CFDictionary? { fatalError() }
@available(iOS 4.0, *)
public var kCGImagePropertyOrientation: CFString { fatalError() }
