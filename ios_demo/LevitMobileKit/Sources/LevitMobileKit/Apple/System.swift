import Foundation

#if canImport(Darwin)
    import Darwin

    /// Text of a kernel value, such as `kern.osversion`; empty if there is none.
    func kernelText(_ name: String) -> String {
        var size = 0
        guard sysctlbyname(name, nil, &size, nil, 0) == 0, size > 1 else { return "" }
        var bytes = [UInt8](repeating: 0, count: size)
        guard sysctlbyname(name, &bytes, &size, nil, 0) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Build of the system, such as `23A341`.
    var systemBuild: String { kernelText("kern.osversion") }

    /// Largest size in bytes that this process has had in memory, which the system's limit counts; nil if unknown.
    func peakFootprintBytes() -> Int? {
        var info = task_vm_info_data_t()
        var count = mach_msg_type_number_t(MemoryLayout<task_vm_info_data_t>.size / MemoryLayout<natural_t>.size)
        let status = withUnsafeMutablePointer(to: &info) { pointer in
            pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
                task_info(mach_task_self_, task_flavor_t(TASK_VM_INFO), $0, &count)
            }
        }
        return status == KERN_SUCCESS ? Int(info.ledger_phys_footprint_peak) : nil
    }
#endif

/// Version of the system in the numbers of iOS. Those of macOS before 26 were lower by three.
var systemVersion: String {
    let version = ProcessInfo.processInfo.operatingSystemVersion
    #if os(macOS)
        let major = version.majorVersion < 26 ? version.majorVersion + 3 : version.majorVersion
    #else
        let major = version.majorVersion
    #endif
    return "\(major).\(version.minorVersion).\(version.patchVersion)"
}
