/// An image of noise, from which end-to-end timing begins.
enum NoiseFrame {
    /// - Parameters:
    ///   - px: Width and height in pixels.
    ///   - seed: The same seed gives the same image.
    static func make(_ px: [Int], seed: Int) throws -> RGBAFrame {
        var numbers = LinearCongruential(seed: seed)
        var bytes = [UInt8](repeating: 255, count: 4 * px[0] * px[1])
        for place in bytes.indices where place % 4 != 3 {
            bytes[place] = UInt8(truncatingIfNeeded: numbers.next() >> 24)
        }
        return try RGBAFrame(bytes, width: px[0], height: px[1])
    }
}
