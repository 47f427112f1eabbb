// A stub for the type check without Xcode: the members that the demo uses, as the SDK declares them.
@available(iOS 17.4, *)
public final class MLComputePlan: @unchecked Sendable {
    public class func load(contentsOf url: URL, configuration: MLModelConfiguration) async throws -> MLComputePlan {
        fatalError()
    }
    public var modelStructure: MLModelStructure { fatalError() }
    public func deviceUsage(for operation: MLModelStructure.Program.Operation) -> DeviceUsage? { fatalError() }
    public func estimatedCost(of operation: MLModelStructure.Program.Operation) -> Cost? { fatalError() }

    public struct DeviceUsage {
        public var preferred: MLComputeDevice { fatalError() }
    }
    public struct Cost {
        public var weight: Double { fatalError() }
    }
}

@available(iOS 17.4, *)
public enum MLModelStructure {
    case program(MLModelStructure.Program)
    case unsupported

    public struct Program {
        public var functions: [String: MLModelStructure.Program.Function] { fatalError() }

        public struct Function {
            public var block: MLModelStructure.Program.Block { fatalError() }
        }
        public struct Block {
            public var operations: [MLModelStructure.Program.Operation] { fatalError() }
        }
        public struct Operation {
            public var operatorName: String { fatalError() }
        }
    }
}

@available(iOS 17.0, *)
public enum MLComputeDevice {
    case cpu(MLCPUComputeDevice)
    case gpu(MLGPUComputeDevice)
    case neuralEngine(MLNeuralEngineComputeDevice)
}

@available(iOS 17.0, *)
open class MLCPUComputeDevice: NSObject {}
@available(iOS 17.0, *)
open class MLGPUComputeDevice: NSObject {}
@available(iOS 17.0, *)
open class MLNeuralEngineComputeDevice: NSObject {}
