/// What a locked buffer is used for.
public enum TensorBufferLockMode {
    case read
    case write
    case readWrite
}

/// Memory of one tensor. As with the vendor's class, neither the type nor a length that is too short is compared.
public final class TensorBuffer {
    let handle: Handle

    init(_ handle: Handle) {
        self.handle = handle
    }

    deinit { Native.destroy("LiteRtDestroyTensorBuffer", handle) }

    /// Size in bytes; 0 when unknown.
    public var size: Int { (try? Native.count("LiteRtGetTensorBufferPackedSize", handle)) ?? 0 }

    public var tensorType: TensorType? {
        try? RankedType(handle, "LiteRtGetTensorBufferTensorType").tensorType
    }

    /// Writes the beginning of the tensor; the rest of the tensor stays.
    public func write<T>(_ data: [T]) throws {
        let memory = try lock(mode: .write)
        defer { try? unlock() }
        let bytes = data.count * MemoryLayout<T>.stride
        guard bytes <= size else { throw LiteRtError.invalidArgument }
        data.withUnsafeBytes { source in
            if let start = source.baseAddress { memory.copyMemory(from: start, byteCount: bytes) }
        }
    }

    /// Copies as many values as fit into the tensor's size, in whatever type is asked for.
    public func read<T>() throws -> [T] {
        let memory = try lock(mode: .read)
        defer { try? unlock() }
        let count = size / MemoryLayout<T>.stride
        return Array(UnsafeBufferPointer(start: memory.bindMemory(to: T.self, capacity: count), count: count))
    }

    public func lock(mode: TensorBufferLockMode) throws -> UnsafeMutableRawPointer {
        let code: Int32 =
            switch mode {
            case .read: 0
            case .write: 1
            case .readWrite: 2
            }
        let lock = Native.library.function(
            "LiteRtLockTensorBuffer", as: (@convention(c) (Handle, Native.Made, Int32) -> Int32).self)
        return try Native.make { lock(handle, $0, code) }
    }

    public func unlock() throws {
        try Native.check(Native.library.function("LiteRtUnlockTensorBuffer", as: Native.One.self)(handle))
    }
}
