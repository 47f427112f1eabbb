/// LiteRT's environment.
public final class Environment {
    let handle: Handle

    /// What the vendor's environment can be given; the twin takes none.
    public enum Option {
        case compilerPluginLibraryDir(String)
        case dispatchLibraryDir(String)
    }

    public init(options: [Option] = []) throws {
        precondition(options.isEmpty, "the twin takes no options for the environment")
        let create = Native.library.function(
            "LiteRtCreateEnvironment", as: (@convention(c) (Int32, Handle?, Native.Made) -> Int32).self)
        handle = try Native.make { create(0, nil, $0) }
    }

    deinit { Native.destroy("LiteRtDestroyEnvironment", handle) }
}

/// Options of a compiled model.
public final class Options {
    let handle: Handle

    public init() throws {
        let create = Native.library.function("LiteRtCreateOptions", as: (@convention(c) (Native.Made) -> Int32).self)
        handle = try Native.make { create($0) }
    }

    deinit { Native.destroy("LiteRtDestroyOptions", handle) }

    /// A set of more than one falls back without a word.
    public func setHardwareAccelerators(_ accelerators: Set<Accelerator>) throws {
        let set = Native.library.function(
            "LiteRtSetOptionsHardwareAccelerators", as: (@convention(c) (Handle, Int32) -> Int32).self)
        try Native.check(set(handle, accelerators.reduce(0) { $0 | $1.rawValue }))
    }

    public func addOpaqueOptions(_ opaqueOptions: OpaqueOptions) throws {
        let add = Native.library.function(
            "LiteRtAddOpaqueOptions", as: (@convention(c) (Handle, Handle) -> Int32).self)
        try Native.check(add(handle, opaqueOptions.handle))
        opaqueOptions.owned = false
    }
}

/// Options of one backend, by its name.
public final class OpaqueOptions {
    let handle: Handle
    var owned = true

    public init(
        identifier: String, payload: UnsafeMutableRawPointer,
        destructor: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void = { _ in }
    ) throws {
        typealias Destructor = @convention(c) (UnsafeMutableRawPointer?) -> Void
        typealias Create =
            @convention(c) (UnsafePointer<CChar>, UnsafeMutableRawPointer, Destructor, Native.Made) -> Int32
        let create = Native.library.function("LiteRtCreateOpaqueOptions", as: Create.self)
        handle = try Native.make { create(identifier, payload, destructor, $0) }
    }

    deinit {
        if owned { Native.destroy("LiteRtDestroyOpaqueOptions", handle) }
    }
}
