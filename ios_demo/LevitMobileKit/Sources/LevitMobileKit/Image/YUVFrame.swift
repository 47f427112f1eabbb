/// What the levels of a YUV image mean, by BT.601.
public enum YUVRange: String, Sendable {
    /// JPEG's, and `kCVPixelFormatType_420YpCbCr8BiPlanarFullRange`: 0 to 255 for all three.
    case full
    /// Video's, and `kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange`: 16 to 235 for Y, 16 to 240 for U and V.
    case limited

    fileprivate var factors: Factors {
        switch self {
        case .full: Factors(y: 65536, red: 91881, greenU: 22554, greenV: 46802, blue: 116130, black: 0)
        case .limited: Factors(y: 76309, red: 104597, greenU: 25675, greenV: 53279, blue: 132201, black: 16)
        }
    }
}

private struct Factors: Sendable {
    let y, red, greenU, greenV, blue, black: Int
}

/// Planes of Y, U and V; U and V have half of Y's size, rounded up. The planes may lie in each other, as in NV12.
///
/// A pixel is `(factor of Y * (Y - black) + factors * (U - 128, V - 128) + 2^15) / 2^16`, clipped to 0..255; the
/// factors are BT.601's times 2^16, rounded. Each chroma sample colours its two by two pixels.
public struct YUVFrame: Frame {
    /// Where a plane begins in the bytes.
    public struct Offsets: Sendable {
        let y, u, v: Int

        public init(y: Int, u: Int, v: Int) {
            (self.y, self.u, self.v) = (y, u, v)
        }
    }

    public let width: Int
    public let height: Int
    private let bytes: [UInt8]
    private let offsets: Offsets
    private let yRowStride: Int
    private let uvRowStride: Int
    private let uvPixelStride: Int
    private let factors: Factors

    /// - Parameters:
    ///   - bytes: All planes in one array.
    ///   - offsets: Where they begin.
    ///   - yRowStride: Bytes from one row of Y to the next.
    ///   - uvRowStride: Bytes from one row of U, and of V, to the next.
    ///   - uvPixelStride: Bytes from one U to the next: 1 for planes, 2 for NV12.
    /// - Throws: `ImageError` if a plane is too short.
    public init(
        _ bytes: [UInt8], width: Int, height: Int, offsets: Offsets, yRowStride: Int, uvRowStride: Int,
        uvPixelStride: Int, range: YUVRange
    ) throws {
        func plane(_ name: String, _ offset: Int, stride: Int, row: Int, rows: Int) throws {
            try ImageError.require(offset >= 0, "the offset of \(name) is \(offset), expected 0 or more")
            let size = bytes.count - offset
            try requireRoom(name, size, stride: stride, row: row, width: width, height: rows)
        }
        try ImageError.require(uvPixelStride >= 1, "the pixel stride is \(uvPixelStride), expected 1 or more")
        let row = (width + 1) / 2 * uvPixelStride - (uvPixelStride - 1)
        try plane("Y", offsets.y, stride: yRowStride, row: width, rows: height)
        try plane("U", offsets.u, stride: uvRowStride, row: row, rows: (height + 1) / 2)
        try plane("V", offsets.v, stride: uvRowStride, row: row, rows: (height + 1) / 2)
        (self.bytes, self.width, self.height, self.offsets) = (bytes, width, height, offsets)
        (self.yRowStride, self.uvRowStride, self.uvPixelStride) = (yRowStride, uvRowStride, uvPixelStride)
        factors = range.factors
    }

    public func read(x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>) {
        bytes.withUnsafeBufferPointer { bytes in
            var (column, row) = (x, y)
            for place in 0..<count {
                let chroma = (row >> 1) * uvRowStride + (column >> 1) * uvPixelStride
                let luma = Int(bytes[offsets.y + row * yRowStride + column])
                let light = (luma - factors.black) * factors.y + 1 << 15
                let blueness = Int(bytes[offsets.u + chroma]) - 128
                let redness = Int(bytes[offsets.v + chroma]) - 128
                into[3 * place] = clipped(light + factors.red * redness)
                into[3 * place + 1] = clipped(light - factors.greenU * blueness - factors.greenV * redness)
                into[3 * place + 2] = clipped(light + factors.blue * blueness)
                column += dx
                row += dy
            }
        }
    }

    private func clipped(_ sum: Int) -> UInt8 {
        UInt8(min(max(sum >> 16, 0), 255))
    }
}
