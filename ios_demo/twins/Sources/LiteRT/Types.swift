/// Where a model runs; the raw values are bits.
public enum Accelerator: Int32 {
    case none = 0
    case cpu = 1
    case gpu = 2
    case npu = 4
}

/// Type of a tensor's values; the vendor has more.
public enum ElementType: UInt32 {
    case none = 0
    case float32 = 1
    case int32 = 2
    case uint8 = 3
    case int64 = 4
    case bool = 6
    case int16 = 7
    case int8 = 9
    case float16 = 10
}

/// Sizes of a tensor.
public struct Layout: Equatable {
    public let dimensions: [Int]
    public let strides: [Int]

    public init(dimensions: [Int], strides: [Int] = []) {
        (self.dimensions, self.strides) = (dimensions, strides)
    }
}

/// Type and sizes of a tensor.
public struct TensorType: Equatable {
    public let elementType: ElementType
    public let layout: Layout

    public init(elementType: ElementType, layout: Layout) {
        (self.elementType, self.layout) = (elementType, layout)
    }
}

/// A status of LiteRT; the vendor has more.
public enum LiteRtError: Error, CustomStringConvertible, Equatable {
    case invalidArgument
    case memoryAllocationFailure
    case runtimeFailure
    case missingInputTensor
    case unsupported
    case notFound
    case fileIO
    case invalidFlatbuffer
    case dynamicLoading
    case compilation
    case unknown

    init(status: Int32) {
        self =
            switch status {
            case 1: .invalidArgument
            case 2: .memoryAllocationFailure
            case 3: .runtimeFailure
            case 4: .missingInputTensor
            case 5: .unsupported
            case 6: .notFound
            case 500: .fileIO
            case 501: .invalidFlatbuffer
            case 502: .dynamicLoading
            case 504: .compilation
            default: .unknown
            }
    }

    public var description: String {
        switch self {
        case .invalidArgument: "Invalid argument"
        case .memoryAllocationFailure: "Memory allocation failure"
        case .runtimeFailure: "Runtime failure"
        case .missingInputTensor: "Missing input tensor"
        case .unsupported: "Unsupported operation"
        case .notFound: "Not found"
        case .fileIO: "File I/O error"
        case .invalidFlatbuffer: "Invalid flatbuffer"
        case .dynamicLoading: "Dynamic loading error"
        case .compilation: "Compilation error"
        case .unknown: "Unknown error"
        }
    }
}
