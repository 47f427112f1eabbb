/// From an image as a camera or a decoder gives it to what the contract asks for: a tensor, or the pixels of a Core ML
/// image.
///
/// The image is turned upright first, then resized and cropped, and then laid out. Only the part that decides the crop
/// is read. A preprocessor keeps its working memory and allocates nothing while the images have one size.
public struct Preprocessor: Sendable {
    /// The prepared image, RGB bytes [height,width,3]; the next image overwrites it.
    public private(set) var pixels: [UInt8]
    /// Height of the prepared image in pixels.
    public let height: Int
    /// Width of the prepared image in pixels.
    public let width: Int

    private var resizer: Resizer
    private let writer: TensorWriter?
    private var upright: [UInt8] = []

    /// Prepares images for a tensor of a format; nil for a Core ML image.
    ///
    /// - Throws: `ImageError` if the size of the crop differs from the tensor's.
    public init(_ preprocessing: Preprocessing, _ format: TensorFormat?) throws {
        (height, width) = (preprocessing.cropHeight, preprocessing.cropWidth)
        try ImageError.requireSides(height: height, width: width)
        if let format {
            try Self.requireSame(preprocessing, height: format.height, width: format.width)
        }
        resizer = Resizer(preprocessing)
        writer = format.map(TensorWriter.init)
        pixels = [UInt8](repeating: 0, count: 3 * height * width)
    }

    /// Prepares images as a contract asks for it.
    ///
    /// - Throws: `ImageError` if the artifact takes a batch, or if the size of the crop differs from the input's.
    public init(_ contract: Contract) throws {
        let input = contract.input
        try Self.requireSame(contract.preprocessing, height: input.height, width: input.width)
        try self.init(contract.preprocessing, input.dtype == .image ? nil : TensorFormat(input))
    }

    /// Turns, resizes and crops an image into `pixels`.
    public mutating func prepare(_ frame: some Frame, _ orientation: Orientation = .upright) throws {
        let (width, height) = (frame.width, frame.height)
        let swaps = orientation.swapsSides
        let part = try resizer.plan(width: swaps ? height : width, height: swaps ? width : height)
        let stride = 3 * part.columns
        if upright.count < stride * part.rows { upright = [UInt8](repeating: 0, count: stride * part.rows) }
        try upright.withUnsafeMutableBufferPointer { upright in
            guard let first = upright.baseAddress else { return }
            frame.readUpright(
                orientation, left: part.left, top: part.top, columns: part.columns, rows: part.rows, into: first)
            try resizer.scale(first, rowStride: stride, into: &pixels)
        }
    }

    /// Prepares an image and writes it as float32 values.
    public mutating func write(
        _ frame: some Frame, _ orientation: Orientation = .upright, into: inout [Float]
    ) throws {
        let writer = try tensor()
        try prepare(frame, orientation)
        try writer.write(pixels, into: &into)
    }

    /// Prepares an image and writes it as int8 values.
    public mutating func write(
        _ frame: some Frame, _ orientation: Orientation = .upright, into: inout [Int8]
    ) throws {
        let writer = try tensor()
        try prepare(frame, orientation)
        try writer.write(pixels, into: &into)
    }

    /// Prepares an image and writes it as values of the tensor's type.
    public mutating func write(
        _ frame: some Frame, _ orientation: Orientation = .upright, into: UnsafeMutableRawBufferPointer
    ) throws {
        let writer = try tensor()
        try prepare(frame, orientation)
        try writer.write(pixels, into: into)
    }

    /// Prepares an image and writes it as the pixels of a Core ML image: see `PixelWriter`.
    public mutating func writeBGRA(
        _ frame: some Frame, _ orientation: Orientation = .upright, into: UnsafeMutableRawBufferPointer, rowStride: Int
    ) throws {
        try prepare(frame, orientation)
        try PixelWriter(height: height, width: width).write(pixels, into: into, rowStride: rowStride)
    }

    private func tensor() throws -> TensorWriter {
        guard let writer else { throw ImageError("the artifact takes a Core ML image, not a tensor") }
        return writer
    }

    private static func requireSame(_ preprocessing: Preprocessing, height: Int, width: Int) throws {
        let (cropHeight, cropWidth) = (preprocessing.cropHeight, preprocessing.cropWidth)
        try ImageError.require(
            cropHeight == height && cropWidth == width,
            "the crop has \(cropHeight) x \(cropWidth) pixels, expected the input's \(height) x \(width)")
    }
}

/// Writes prepared pixels as `kCVPixelFormatType_32BGRA`, which a Core ML artifact with an image input takes.
///
/// The levels are unchanged: the artifact's own graph scales and normalises them. Alpha is 255.
public struct PixelWriter: Sendable {
    /// Height in pixels.
    public let height: Int
    /// Width in pixels.
    public let width: Int

    public init(height: Int, width: Int) {
        (self.height, self.width) = (height, width)
    }

    /// Writes RGB bytes [height,width,3] as rows of BGRA; the bytes between rows are left as they are.
    ///
    /// - Parameter rowStride: `CVPixelBufferGetBytesPerRow`, at least 4 x width.
    /// - Throws: `ImageError` if the pixels have another size, or the target has no room.
    public func write(_ pixels: [UInt8], into: UnsafeMutableRawBufferPointer, rowStride: Int) throws {
        let wanted = 3 * height * width
        try ImageError.require(pixels.count == wanted, "the image has \(pixels.count) bytes, expected \(wanted)")
        try requireRoom("BGRA", into.count, stride: rowStride, row: 4 * width, width: width, height: height)
        for row in 0..<height {
            for column in 0..<width {
                let (from, to) = (3 * (row * width + column), row * rowStride + 4 * column)
                into[to] = pixels[from + 2]
                into[to + 1] = pixels[from + 1]
                into[to + 2] = pixels[from]
                into[to + 3] = 255
            }
        }
    }
}
