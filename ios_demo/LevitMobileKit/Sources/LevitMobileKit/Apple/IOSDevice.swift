#if canImport(UIKit)
    import Foundation
    import UIKit

    /// This iPhone or iPad, for timing records.
    public struct IOSDevice: DeviceFacts {
        public init() {}

        @MainActor
        public func device() async -> Device {
            let simulator = ProcessInfo.processInfo.environment["SIMULATOR_MODEL_IDENTIFIER"]
            let model = simulator ?? kernelText("hw.machine")
            var device = Device(
                model: model, soc: Chip.name(of: model), os: UIDevice.current.systemName,
                osVersion: UIDevice.current.systemVersion, osBuild: systemBuild,
                cores: ProcessInfo.processInfo.processorCount)
            device.memoryBytes = Int(clamping: ProcessInfo.processInfo.physicalMemory)
            device.simulated = simulator != nil
            return device
        }

        /// A simulator has no battery.
        @MainActor
        public func conditions() async -> Conditions {
            let device = UIDevice.current
            device.isBatteryMonitoringEnabled = true
            var now = Conditions()
            now.thermal = Thermal(ofApple: ProcessInfo.processInfo.thermalState.rawValue)
            now.lowPowerMode = ProcessInfo.processInfo.isLowPowerModeEnabled
            if device.batteryLevel >= 0 { now.batteryPercent = Double(100 * device.batteryLevel) }
            if device.batteryState != .unknown { now.charging = device.batteryState != .unplugged }
            return now
        }

        public func peakMemoryBytes() -> Int? { peakFootprintBytes() }
    }
#endif
