// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
// Apple's Foundation has these; the one for Linux does not.
@_exported import Foundation

public struct NSKeyValueObservingOptions: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static var new: NSKeyValueObservingOptions { fatalError() }
    public static var initial: NSKeyValueObservingOptions { fatalError() }
}

public struct NSKeyValueObservedChange<Value> {
    public var newValue: Value? { fatalError() }
}

public class NSKeyValueObservation: NSObject {}

extension NSObjectProtocol where Self: NSObject {
    public func observe<Value>(
        _ keyPath: KeyPath<Self, Value>, options: NSKeyValueObservingOptions = [],
        changeHandler: @escaping @Sendable (Self, NSKeyValueObservedChange<Value>) -> Void
    ) -> NSKeyValueObservation { fatalError() }
}
