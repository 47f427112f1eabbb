/// An image in memory, as it is stored: RGB, RGBA, BGRA or YUV.
///
/// Images with alpha are laid over white, because that is what people see. Alpha is straight, not premultiplied.
public protocol Frame: Sendable {
    /// Width in pixels, 1 or more.
    var width: Int { get }
    /// Height in pixels, 1 or more.
    var height: Int { get }

    /// Writes `count` pixels from (x, y) on, each one (dx, dy) further, as RGB.
    func read(x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>)
}

extension Frame {
    /// Writes a rectangle of the upright image as packed RGB; `into` has room for it.
    func readUpright(
        _ orientation: Orientation, left: Int, top: Int, columns: Int, rows: Int, into: UnsafeMutablePointer<UInt8>
    ) {
        let (swaps, flipsX, flipsY) = (orientation.swapsSides, orientation.flipsX, orientation.flipsY)
        let dx = swaps ? 0 : (flipsX ? -1 : 1)
        let dy = swaps ? (flipsY ? -1 : 1) : 0
        for row in 0..<rows {
            let u = swaps ? top + row : left
            let v = swaps ? left : top + row
            let x = flipsX ? width - 1 - u : u
            let y = flipsY ? height - 1 - v : v
            read(x: x, y: y, dx: dx, dy: dy, count: columns, into: into + row * columns * 3)
        }
    }
}

/// Rows of RGB bytes.
public struct RGBFrame: Frame {
    public let width: Int
    public let height: Int
    private let bytes: [UInt8]
    private let rowStride: Int

    /// - Parameter rowStride: Bytes from one row to the next; nil for rows without a gap.
    /// - Throws: `ImageError` if the bytes are too few.
    public init(_ bytes: [UInt8], width: Int, height: Int, rowStride: Int? = nil) throws {
        self.rowStride = rowStride ?? 3 * width
        try requireRoom("RGB", bytes.count, stride: self.rowStride, row: 3 * width, width: width, height: height)
        (self.bytes, self.width, self.height) = (bytes, width, height)
    }

    public func read(x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>) {
        bytes.withUnsafeBufferPointer { bytes in
            var from = y * rowStride + 3 * x
            let step = dy * rowStride + 3 * dx
            for place in 0..<count {
                for color in 0..<3 { into[3 * place + color] = bytes[from + color] }
                from += step
            }
        }
    }
}

/// Rows of four bytes per pixel: red, green, blue and alpha.
public struct RGBAFrame: Frame {
    private let pixels: FourBytes

    public var width: Int { pixels.width }
    public var height: Int { pixels.height }

    /// - Parameter rowStride: Bytes from one row to the next, often more than 4 x width; nil for rows without a gap.
    /// - Throws: `ImageError` if the bytes are too few.
    public init(_ bytes: [UInt8], width: Int, height: Int, rowStride: Int? = nil) throws {
        pixels = try FourBytes("RGBA", bytes, width: width, height: height, rowStride: rowStride)
    }

    public func read(x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>) {
        pixels.read(x: x, y: y, dx: dx, dy: dy, count: count, into: into, red: 0, blue: 2)
    }
}

/// Rows of four bytes per pixel: blue, green, red and alpha, as `kCVPixelFormatType_32BGRA` has them.
public struct BGRAFrame: Frame {
    private let pixels: FourBytes

    public var width: Int { pixels.width }
    public var height: Int { pixels.height }

    /// - Parameter rowStride: `CVPixelBufferGetBytesPerRow`, often more than 4 x width; nil for rows without a gap.
    /// - Throws: `ImageError` if the bytes are too few.
    public init(_ bytes: [UInt8], width: Int, height: Int, rowStride: Int? = nil) throws {
        pixels = try FourBytes("BGRA", bytes, width: width, height: height, rowStride: rowStride)
    }

    public func read(x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>) {
        pixels.read(x: x, y: y, dx: dx, dy: dy, count: count, into: into, red: 2, blue: 0)
    }
}

private struct FourBytes: Sendable {
    let width: Int
    let height: Int
    let bytes: [UInt8]
    let rowStride: Int

    init(_ name: String, _ bytes: [UInt8], width: Int, height: Int, rowStride: Int?) throws {
        self.rowStride = rowStride ?? 4 * width
        try requireRoom(name, bytes.count, stride: self.rowStride, row: 4 * width, width: width, height: height)
        (self.bytes, self.width, self.height) = (bytes, width, height)
    }

    func read(
        x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>, red: Int, blue: Int
    ) {
        bytes.withUnsafeBufferPointer { bytes in
            var from = y * rowStride + 4 * x
            let step = dy * rowStride + 4 * dx
            for place in 0..<count {
                let alpha = bytes[from + 3]
                into[3 * place] = overWhite(bytes[from + red], alpha)
                into[3 * place + 1] = overWhite(bytes[from + 1], alpha)
                into[3 * place + 2] = overWhite(bytes[from + blue], alpha)
                from += step
            }
        }
    }
}

/// A level laid over white, as Pillow's `alpha_composite` rounds it.
private func overWhite(_ level: UInt8, _ alpha: UInt8) -> UInt8 {
    if alpha == 255 { return level }
    let sum = (Int(level) * Int(alpha) + 255 * (255 - Int(alpha)) + 0x80) << 7
    return UInt8(truncatingIfNeeded: (((sum >> 8) + sum) >> 8) >> 7)
}

/// Throws unless a plane of bytes is as large as its sizes state.
func requireRoom(_ name: String, _ size: Int, stride: Int, row: Int, width: Int, height: Int) throws {
    try ImageError.require(
        width >= 1 && height >= 1, "the image has \(width) x \(height) pixels, expected 1 or more")
    try ImageError.require(stride >= row, "the \(name) stride is \(stride), expected \(row) or more")
    let needed = stride * (height - 1) + row
    try ImageError.require(size >= needed, "the \(name) image has \(size) bytes, expected \(needed) or more")
}
