// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
@_exported import Foundation

@available(iOS 2.0, *)
open class CALayer: NSObject {}
