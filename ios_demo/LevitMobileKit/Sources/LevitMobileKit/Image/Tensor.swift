/// Type of a tensor's values.
public enum ElementType: Sendable {
    case float32
    case float16
    case int8
    /// Only artifacts of other tools have it; a contract does not.
    case uint8

    /// Bytes per value.
    public var bytes: Int {
        switch self {
        case .float32: 4
        case .float16: 2
        case .int8, .uint8: 1
        }
    }
}

/// The form in which an artifact takes one image.
public struct TensorFormat: Sendable, Equatable {
    /// Height in pixels.
    public var height: Int
    /// Width in pixels.
    public var width: Int
    /// Whether the three colours of a pixel follow each other in memory.
    public var channelsLast: Bool
    /// Type of the values.
    public var type: ElementType
    /// Real value of a black pixel.
    public var low: Double
    /// Real value of a full pixel.
    public var high: Double
    /// Scale and zero point of integers; nil for floats.
    public var quantization: Quantization?

    /// Number of values.
    public var elements: Int { 3 * height * width }

    /// Size in bytes.
    public var bytes: Int { elements * type.bytes }

    public init(
        height: Int, width: Int, channelsLast: Bool, type: ElementType, low: Double = 0, high: Double = 1,
        quantization: Quantization? = nil
    ) {
        (self.height, self.width, self.channelsLast, self.type) = (height, width, channelsLast, type)
        (self.low, self.high, self.quantization) = (low, high, quantization)
    }

    /// The form that a contract states.
    ///
    /// - Throws: `ImageError` if the artifact takes a Core ML image, a batch, or other than three colours.
    public init(_ input: Input) throws {
        try ImageError.require(
            input.shape[0] == 1 && input.channels == 3,
            "the input's shape is \(input.shape), expected one image of 3 colours")
        try ImageError.requireSides(height: input.height, width: input.width)
        let type: ElementType
        switch input.dtype {
        case .float32: type = .float32
        case .float16: type = .float16
        case .int8: type = .int8
        case .image: throw ImageError("the artifact takes a Core ML image, not a tensor")
        }
        self.init(
            height: input.height, width: input.width,
            channelsLast: input.layout == .nhwc || input.memoryOrder == .channelsLast, type: type,
            low: input.range[0], high: input.range[1], quantization: input.quantization)
    }
}

/// Writes pixels as a tensor. Every value depends on one level in 0..255 alone, so all 256 are computed beforehand, in
/// the order of operations and the precision of `levit_mobile.runners.adapters.adapted`.
public struct TensorWriter: Sendable {
    /// Form of the tensor.
    public let format: TensorFormat

    private let floats: [Float]
    private let codes: [UInt32]

    public init(_ format: TensorFormat) {
        self.format = format
        floats = (0...255).map { Self.real(Float($0), format) }
        codes = floats.map { Self.code($0, format.type) }
    }

    /// Writes float32 values.
    ///
    /// - Parameters:
    ///   - pixels: RGB bytes [height,width,3].
    ///   - into: Has as many values as the tensor.
    /// - Throws: `ImageError` if the tensor has another type, or an array another size.
    public func write(_ pixels: [UInt8], into: inout [Float]) throws {
        try ImageError.require(format.type == .float32, "the tensor has \(format.type) values, expected float32")
        try requireSizes(pixels, into.count, format.elements, "values")
        into.withUnsafeMutableBufferPointer { into in
            each(pixels) { place, level in into[place] = floats[level] }
        }
    }

    /// Writes int8 values, or uint8 values by their bits; otherwise as the function for floats.
    public func write(_ pixels: [UInt8], into: inout [Int8]) throws {
        try ImageError.require(format.type.bytes == 1, "the tensor has \(format.type) values, expected int8 or uint8")
        try requireSizes(pixels, into.count, format.elements, "bytes")
        into.withUnsafeMutableBufferPointer { into in
            each(pixels) { place, level in into[place] = Int8(truncatingIfNeeded: codes[level]) }
        }
    }

    /// Writes values of any type in the machine's own byte order, which is little-endian on all that Swift runs on.
    public func write(_ pixels: [UInt8], into: UnsafeMutableRawBufferPointer) throws {
        try requireSizes(pixels, into.count, format.bytes, "bytes")
        let size = format.type.bytes
        each(pixels) { place, level in
            let code = codes[level]
            switch size {
            case 4: into.storeBytes(of: code, toByteOffset: 4 * place, as: UInt32.self)
            case 2: into.storeBytes(of: UInt16(truncatingIfNeeded: code), toByteOffset: 2 * place, as: UInt16.self)
            default: into[place] = UInt8(truncatingIfNeeded: code)
            }
        }
    }

    private static func real(_ level: Float, _ format: TensorFormat) -> Float {
        let value = level / 255 * Float(format.high - format.low) + Float(format.low)
        guard let quantization = format.quantization else { return value }
        return (value / Float(quantization.scale)).rounded(.toNearestOrEven) + Float(quantization.zeroPoint)
    }

    private static func code(_ value: Float, _ type: ElementType) -> UInt32 {
        if type.bytes == 1 && value.isNaN { return 0 }  // a scale of 0; such an artifact fails its self-check
        return switch type {
        case .float32: value.bitPattern
        case .float16: UInt32(halfBits(value))
        case .int8: UInt32(bitPattern: Int32(min(max(value, -128), 127)))
        case .uint8: UInt32(min(max(value, 0), 255))
        }
    }

    private func requireSizes(_ pixels: [UInt8], _ size: Int, _ wanted: Int, _ unit: String) throws {
        try ImageError.require(
            pixels.count == format.elements, "the image has \(pixels.count) bytes, expected \(format.elements)")
        try ImageError.require(size == wanted, "the target has \(size) \(unit), expected \(wanted)")
    }

    @inline(__always)
    private func each(_ pixels: [UInt8], _ put: (_ place: Int, _ level: Int) -> Void) {
        if format.channelsLast {
            for place in pixels.indices { put(place, Int(pixels[place])) }
            return
        }
        let plane = format.height * format.width
        for pixel in 0..<plane {
            put(pixel, Int(pixels[3 * pixel]))
            put(pixel + plane, Int(pixels[3 * pixel + 1]))
            put(pixel + 2 * plane, Int(pixels[3 * pixel + 2]))
        }
    }
}
