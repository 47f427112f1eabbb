/// A compiled model over the wheel's runtime, which has no GPU: to ask for one alone is a compilation error.
public final class CompiledModel {
    public let environment: Environment
    public let options: Options?

    private let model: Handle
    private let compiled: Handle

    public init(filePath: String, environment: Environment, options: Options? = nil) throws {
        let resolved = try options ?? Self.onCPU()
        let create = Native.library.function(
            "LiteRtCreateModelFromFile",
            as: (@convention(c) (Handle, UnsafePointer<CChar>, Native.Made) -> Int32).self)
        model = try Native.make { create(environment.handle, filePath, $0) }
        (self.environment, self.options) = (environment, resolved)
        do {
            compiled = try Self.compile(model, environment, resolved)
        } catch {
            Native.destroy("LiteRtDestroyModel", model)
            throw error
        }
    }

    deinit {
        Native.destroy("LiteRtDestroyCompiledModel", compiled)
        Native.destroy("LiteRtDestroyModel", model)
    }

    public func run(
        inputs: [TensorBuffer], outputs: [TensorBuffer], options: Options? = nil, signatureIndex: Int = 0
    ) throws {
        precondition(options == nil, "the twin takes no options for one run")
        typealias Buffers = UnsafeMutablePointer<Handle?>
        typealias Run = @convention(c) (Handle, Int, Int, Buffers, Int, Buffers) -> Int32
        var (given, taken) = (inputs.map { Optional($0.handle) }, outputs.map { Optional($0.handle) })
        let run = Native.library.function("LiteRtRunCompiledModel", as: Run.self)
        try Native.check(run(compiled, signatureIndex, given.count, &given, taken.count, &taken))
    }

    public func inputCount(signatureIndex: Int = 0) throws -> Int {
        try Native.count("LiteRtGetNumSignatureInputs", signature(signatureIndex))
    }

    public func outputCount(signatureIndex: Int = 0) throws -> Int {
        try Native.count("LiteRtGetNumSignatureOutputs", signature(signatureIndex))
    }

    public func createInputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] {
        try (0..<inputCount(signatureIndex: signatureIndex)).map { try buffer("Input", $0, signatureIndex) }
    }

    public func createOutputBuffers(signatureIndex: Int = 0) throws -> [TensorBuffer] {
        try (0..<outputCount(signatureIndex: signatureIndex)).map { try buffer("Output", $0, signatureIndex) }
    }

    public func getInputTensorType(inputIndex: Int, signatureIndex: Int = 0) throws -> TensorType {
        try type("Input", inputIndex, signatureIndex).tensorType
    }

    public func getOutputTensorType(outputIndex: Int, signatureIndex: Int = 0) throws -> TensorType {
        try type("Output", outputIndex, signatureIndex).tensorType
    }

    public func isFullyAccelerated() throws -> Bool {
        typealias Ask = @convention(c) (Handle, UnsafeMutablePointer<Bool>) -> Int32
        var answer = false
        try Native.check(
            Native.library.function("LiteRtCompiledModelIsFullyAccelerated", as: Ask.self)(compiled, &answer))
        return answer
    }

    private static func onCPU() throws -> Options {
        let options = try Options()
        try options.setHardwareAccelerators([.cpu])
        return options
    }

    private static func compile(_ model: Handle, _ environment: Environment, _ options: Options) throws -> Handle {
        typealias Compile = @convention(c) (Handle, Handle, Handle, Native.Made) -> Int32
        let compile = Native.library.function("LiteRtCreateCompiledModel", as: Compile.self)
        return try Native.make { compile(environment.handle, model, options.handle, $0) }
    }

    private func signature(_ index: Int) throws -> Handle {
        try Native.make("LiteRtGetModelSignature", model, at: index)
    }

    private func type(_ role: String, _ index: Int, _ signatureIndex: Int) throws -> RankedType {
        let tensor = try Native.make(
            "LiteRtGetSignature\(role)TensorByIndex", signature(signatureIndex), at: index)
        return try RankedType(tensor, "LiteRtGetRankedTensorType")
    }

    private func buffer(_ role: String, _ index: Int, _ signatureIndex: Int) throws -> TensorBuffer {
        typealias Needs = @convention(c) (Handle, Int, Int, Native.Made) -> Int32
        typealias Create = @convention(c) (Handle, UnsafeMutablePointer<UInt32>, Handle, Native.Made) -> Int32
        let needs = Native.library.function("LiteRtGetCompiledModel\(role)BufferRequirements", as: Needs.self)
        let requirements = try Native.make { needs(compiled, signatureIndex, index, $0) }
        let create = Native.library.function(
            "LiteRtCreateManagedTensorBufferFromRequirements", as: Create.self)
        var type = try type(role, index, signatureIndex)
        return TensorBuffer(try Native.make { create(environment.handle, &type.words, requirements, $0) })
    }
}
