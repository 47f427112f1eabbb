// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
@_exported import Foundation
@_exported import QuartzCore

@available(iOS 2.0, *)
@MainActor open class UIResponder: NSObject {}

@available(iOS 2.0, *)
@MainActor open class UIView: UIResponder {
    open class var layerClass: AnyClass { fatalError() }
    open var layer: CALayer { fatalError() }
}

extension UIView {
    // Of the informal protocol UIAccessibility.
    public var isAccessibilityElement: Bool {
        get { fatalError() }
        set { fatalError() }
    }
}

@available(iOS 2.0, *)
open class UIImage: NSObject, @unchecked Sendable {
    public convenience init?(data: Data) { fatalError() }
}

@available(iOS 2.0, *)
@MainActor open class UIApplication: UIResponder {
    open class var shared: UIApplication { fatalError() }
    open var isIdleTimerDisabled: Bool {
        get { fatalError() }
        set { fatalError() }
    }
    @available(iOS 8.0, *)
    public class var openSettingsURLString: String { fatalError() }
}
