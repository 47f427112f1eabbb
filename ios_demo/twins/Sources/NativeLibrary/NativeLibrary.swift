import Glibc

/// A native library that an environment variable names.
public struct NativeLibrary: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer

    /// Loads it once; there is no way to go on without it.
    public init(_ variable: String) {
        guard let path = getenv(variable), let found = dlopen(path, RTLD_LAZY) else {
            fatalError("\(variable) names no library that can be loaded: \(String(cString: dlerror()))")
        }
        handle = found
    }

    /// A function by its name. `Signature` is a `@convention(c)` type.
    public func function<Signature>(_ name: String, as: Signature.Type) -> Signature {
        guard let address = dlsym(handle, name) else { fatalError("the library has no \(name)") }
        return unsafeBitCast(address, to: Signature.self)
    }
}
