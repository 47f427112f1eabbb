/// Reads an artifact's output as logits, whatever its type.
///
/// Runtimes reuse their memory for the next image: the values are copied here.
public struct LogitsReader: Sendable {
    /// Number of classes.
    public let classes: Int
    /// Size of the output in bytes.
    public let bytes: Int

    private let output: Output

    /// - Throws: `ImageError` if the output is a batch.
    public init(_ output: Output) throws {
        try ImageError.require(output.shape[0] == 1, "the output's shape is \(output.shape), expected one image")
        let most = 1 << 24
        try ImageError.require(
            (1...most).contains(output.shape[1]), "the output has \(output.shape[1]) classes, expected 1 to \(most)")
        self.output = output
        classes = output.shape[1]
        switch output.dtype {
        case .float32: bytes = 4 * classes
        case .float16: bytes = 2 * classes
        case .int8: bytes = classes
        }
    }

    /// One logit per class.
    ///
    /// - Parameter output: The output's bytes in the machine's own order.
    /// - Throws: `ImageError` if they have another size.
    public func read(_ output: UnsafeRawBufferPointer) throws -> [Float] {
        var logits = [Float](repeating: 0, count: classes)
        try read(output, into: &logits)
        return logits
    }

    /// Writes one logit per class.
    ///
    /// - Parameters:
    ///   - output: The output's bytes in the machine's own order.
    ///   - logits: Has one value per class.
    /// - Throws: `ImageError` if either has another size.
    public func read(_ output: UnsafeRawBufferPointer, into logits: inout [Float]) throws {
        try ImageError.require(output.count == bytes, "the output has \(output.count) bytes, expected \(bytes)")
        try ImageError.require(logits.count == classes, "the target has \(logits.count) values, expected \(classes)")
        for place in 0..<classes { logits[place] = logit(output, place) }
    }

    private func logit(_ output: UnsafeRawBufferPointer, _ place: Int) -> Float {
        switch self.output.dtype {
        case .float32: real(output.loadUnaligned(fromByteOffset: 4 * place, as: Float.self))
        case .float16: real(halfToFloat(output.loadUnaligned(fromByteOffset: 2 * place, as: UInt16.self)))
        case .int8: real(Float(Int8(bitPattern: output[place])))
        }
    }

    private func real(_ stored: Float) -> Float {
        guard let quantization = output.quantization else { return stored }
        return (stored - Float(quantization.zeroPoint)) * Float(quantization.scale)
    }
}
