// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
public typealias kern_return_t = Int32
public typealias natural_t = UInt32
public typealias integer_t = Int32
public typealias mach_port_t = UInt32
public typealias task_flavor_t = UInt32
public typealias mach_msg_type_number_t = UInt32

public var KERN_SUCCESS: kern_return_t { fatalError() }
public var TASK_VM_INFO: Int32 { fatalError() }
public var mach_task_self_: mach_port_t { fatalError() }

public struct task_vm_info_data_t {
    public init() { fatalError() }
    public var ledger_phys_footprint_peak: Int64 { fatalError() }
}

public func task_info(
    _ target_task: mach_port_t, _ flavor: task_flavor_t, _ task_info_out: UnsafeMutablePointer<integer_t>,
    _ task_info_outCnt: UnsafeMutablePointer<mach_msg_type_number_t>
) -> kern_return_t { fatalError() }
@discardableResult
public func sysctlbyname(
    _ name: UnsafePointer<CChar>, _ oldp: UnsafeMutableRawPointer?, _ oldlenp: UnsafeMutablePointer<Int>?,
    _ newp: UnsafeMutableRawPointer?, _ newlen: Int
) -> Int32 { fatalError() }
