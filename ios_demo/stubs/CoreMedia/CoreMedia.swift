// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
import CoreVideo
@_exported import Foundation

@available(iOS 4.0, *)
public final class CMSampleBuffer {}

@available(iOS 4.0, *)
public func CMSampleBufferGetImageBuffer(_ sbuf: CMSampleBuffer) -> CVImageBuffer? { fatalError() }
