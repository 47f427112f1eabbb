import Foundation

/// How a program gets into memory. The native library maps it, whatever is asked for.
public enum ModuleLoadMode: Int {
    case file = 0
    case mmap
    case mmapUseMlock
    case mmapUseMlockIgnoreErrors
}

/// A program. As with the vendor's class, making one reads nothing and never fails.
open class Module: NSObject {
    private let native: NativeModule
    private var loaded: String?

    public init(filePath: String, loadMode: ModuleLoadMode) {
        native = NativeModule(filePath)
    }

    public convenience init(filePath: String) {
        self.init(filePath: filePath, loadMode: .file)
    }

    open func load() throws {
        var methods: Int32 = 0
        try Native.check(Native.load(native.handle, &methods))
    }

    open func load(_ method: String) throws {
        try Native.check(Native.loadMethod(native.handle, method))
        loaded = method
    }

    open func isLoaded(_ method: String) -> Bool { loaded == method }

    open func methodNames() throws -> Set<String> {
        var methods: Int32 = 0
        try Native.check(Native.load(native.handle, &methods))
        return Set((0..<methods).map { String(cString: Native.method(native.handle, $0)) })
    }

    /// The outputs are views of the method's memory, which the next execution overwrites.
    public func execute(_ method: String, _ inputs: [ValueConvertible]) throws -> [Value] {
        var views = inputs.map { value in
            guard let tensor = value.asValue().anyTensor else { fatalError("the twin takes tensors only") }
            return tensor.view
        }
        var outputs: Int32 = 0
        let code = views.withUnsafeMutableBytes { memory in
            Native.execute(native.handle, method, memory.baseAddress ?? native.handle, Int32(inputs.count), &outputs)
        }
        try Native.check(code)
        loaded = method
        return (0..<outputs).map { Value(AnyTensor(output: $0, of: native)) }
    }

    public func execute(_ method: String, _ inputs: ValueConvertible...) throws -> [Value] {
        try execute(method, inputs)
    }

    public func forward(_ inputs: [ValueConvertible]) throws -> [Value] {
        try execute("forward", inputs)
    }

    public func forward(_ inputs: ValueConvertible...) throws -> [Value] {
        try forward(inputs)
    }
}
