#if canImport(CoreVideo)
    import CoreVideo

    /// A copy of a camera's frame, which may leave the camera's queue; the frame itself must not.
    public struct Picture: Frame {
        private let frame: any Frame

        public var width: Int { frame.width }
        public var height: Int { frame.height }

        /// Copies a frame in 32BGRA, 420v or 420f. Colours are taken as sRGB; YUV as BT.601.
        ///
        /// - Throws: `ImageError` if the frame has another format or has no memory.
        public init(copying buffer: CVPixelBuffer) throws {
            CVPixelBufferLockBaseAddress(buffer, .readOnly)
            defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
            switch CVPixelBufferGetPixelFormatType(buffer) {
            case kCVPixelFormatType_32BGRA: frame = try Self.bgra(buffer)
            case kCVPixelFormatType_420YpCbCr8BiPlanarFullRange: frame = try Self.yuv(buffer, .full)
            case kCVPixelFormatType_420YpCbCr8BiPlanarVideoRange: frame = try Self.yuv(buffer, .limited)
            case let other: throw ImageError("the frame has the format \(other), expected 32BGRA, 420v or 420f")
            }
        }

        public func read(x: Int, y: Int, dx: Int, dy: Int, count: Int, into: UnsafeMutablePointer<UInt8>) {
            frame.read(x: x, y: y, dx: dx, dy: dy, count: count, into: into)
        }

        private static func bgra(_ buffer: CVPixelBuffer) throws -> BGRAFrame {
            let (width, height) = (CVPixelBufferGetWidth(buffer), CVPixelBufferGetHeight(buffer))
            let stride = CVPixelBufferGetBytesPerRow(buffer)
            let bytes = try copy(CVPixelBufferGetBaseAddress(buffer), stride * height)
            return try BGRAFrame(bytes, width: width, height: height, rowStride: stride)
        }

        private static func yuv(_ buffer: CVPixelBuffer, _ range: YUVRange) throws -> YUVFrame {
            let (width, height) = (CVPixelBufferGetWidth(buffer), CVPixelBufferGetHeight(buffer))
            let strides = [0, 1].map { CVPixelBufferGetBytesPerRowOfPlane(buffer, $0) }
            let planes = try [0, 1].map { plane in
                let size = strides[plane] * CVPixelBufferGetHeightOfPlane(buffer, plane)
                return try copy(CVPixelBufferGetBaseAddressOfPlane(buffer, plane), size)
            }
            let chroma = planes[0].count
            return try YUVFrame(
                planes[0] + planes[1], width: width, height: height,
                offsets: YUVFrame.Offsets(y: 0, u: chroma, v: chroma + 1), yRowStride: strides[0],
                uvRowStride: strides[1], uvPixelStride: 2, range: range)
        }

        private static func copy(_ start: UnsafeMutableRawPointer?, _ count: Int) throws -> [UInt8] {
            guard let start else { throw ImageError("the frame has no memory") }
            return [UInt8](UnsafeRawBufferPointer(start: start, count: count))
        }
    }
#endif
