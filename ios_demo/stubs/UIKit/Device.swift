// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
import Foundation

@available(iOS 2.0, *)
@MainActor open class UIDevice: NSObject {
    open class var current: UIDevice { fatalError() }
    open var systemName: String { fatalError() }
    open var systemVersion: String { fatalError() }
    @available(iOS 3.0, *)
    open var isBatteryMonitoringEnabled: Bool {
        get { fatalError() }
        set { fatalError() }
    }
    @available(iOS 3.0, *)
    open var batteryLevel: Float { fatalError() }
    @available(iOS 3.0, *)
    open var batteryState: BatteryState { fatalError() }

    @available(iOS 3.0, *)
    public enum BatteryState: Int, @unchecked Sendable {
        case unknown = 0
        case unplugged = 1
        case charging = 2
        case full = 3
    }
}

// Members of ProcessInfo that Foundation lacks on Linux.
extension ProcessInfo {
    @available(iOS 11.0, *)
    public enum ThermalState: Int, @unchecked Sendable {
        case nominal = 0
        case fair = 1
        case serious = 2
        case critical = 3
    }
    @available(iOS 11.0, *)
    nonisolated public var thermalState: ThermalState { fatalError() }
    @available(iOS 9.0, *)
    nonisolated public var isLowPowerModeEnabled: Bool { fatalError() }
}
