import Foundation

/// Type of a tensor's values, by ExecuTorch's numbers; the vendor has more.
public enum DataType: Int8 {
    case byte = 0
    case char
    case short
    case int
    case long
    case half
    case float
    case double
    case bool = 11
    case bFloat16 = 15
    case undefined = 30
}

/// Whether a tensor's shape may change.
public enum ShapeDynamism: UInt8 {
    case `static`
    case dynamicBound
    case dynamicUnbound
}

/// Bytes per value.
public func size(ofDataType dataType: DataType) -> Int {
    switch dataType {
    case .byte, .char, .bool: 1
    case .short, .half, .bFloat16: 2
    case .int, .float: 4
    case .long, .double: 8
    case .undefined: 0
    }
}

/// A view of memory that belongs to somebody else, and that nothing checks.
public final class AnyTensor: NSObject {
    public let dataType: DataType
    public let shape: [Int]

    private let pointer: UnsafeMutableRawPointer
    private weak var owner: NativeModule?
    private let isOutput: Bool

    /// The size of the memory is not known, and not compared with the shape. The memory must outlive the tensor.
    public init(
        bytesNoCopy pointer: UnsafeMutableRawPointer, shape: [Int], strides: [Int] = [], dimensionOrder: [Int] = [],
        dataType: DataType, shapeDynamism: ShapeDynamism = .dynamicBound
    ) {
        precondition(strides.isEmpty && dimensionOrder.isEmpty, "the twin takes contiguous tensors only")
        (self.pointer, self.shape, self.dataType, isOutput) = (pointer, shape, dataType, false)
    }

    init(output index: Int32, of module: NativeModule) {
        var view = View()
        withUnsafeMutableBytes(of: &view) { Native.output(module.handle, index, $0.baseAddress ?? module.handle) }
        guard let type = DataType(rawValue: Int8(view.type)), let data = view.data else {
            fatalError("the twin knows no output of type \(view.type)")
        }
        (pointer, shape, dataType, owner, isOutput) = (data, view.shape, type, module, true)
    }

    /// Number of values.
    public var count: Int { shape.reduce(1, *) }

    /// Hands over the memory and the number of values. An output of a module that is gone has bytes of 255, so that
    /// floats are NaN: with the vendor's class its memory belongs to somebody else by then.
    public func bytes(_ handler: (UnsafeRawPointer, Int, DataType) -> Void) {
        if isOutput && owner == nil {
            let gone = [UInt8](repeating: 255, count: count * size(ofDataType: dataType))
            gone.withUnsafeBytes { $0.baseAddress.map { handler($0, count, dataType) } }
        } else {
            handler(pointer, count, dataType)
        }
    }

    var view: View { View(type: dataType, shape: shape, data: pointer) }
}

/// An input or output; the vendor has more kinds than tensors.
public final class Value: NSObject {
    public let anyTensor: AnyTensor?

    public init(_ value: AnyTensor) {
        anyTensor = value
    }

    public var isTensor: Bool { anyTensor != nil }
}

/// What can be an input.
public protocol ValueConvertible {
    func asValue() -> Value
}

extension Value: ValueConvertible {
    public func asValue() -> Value { self }
}

extension AnyTensor: ValueConvertible {
    public func asValue() -> Value { Value(self) }
}
