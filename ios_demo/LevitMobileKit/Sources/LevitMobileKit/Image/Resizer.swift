/// Resizes and crops an image exactly as `levit-mobile` does with Pillow: the bytes are equal.
///
/// The filter is Pillow's antialiased bicubic or bilinear one in integers with 22 bits behind the point, across before
/// down. Where the crop is larger than the image, black surrounds it. Source of the method: Pillow's `Resample.c`; of
/// the sizes: torchvision's `Resize` for squares and timm's `ResizeKeepRatio` for rectangles.
///
/// A resizer keeps its working memory, so it allocates nothing while the images have one size.
public struct Resizer: Sendable {
    /// What is done.
    public let preprocessing: Preprocessing

    private var across = Axis()
    private var down = Axis()
    private var scaled: [UInt8] = []
    private var planned: ResizePlan?

    public init(_ preprocessing: Preprocessing) {
        self.preprocessing = preprocessing
    }

    /// The crop of an upright image, cropHeight x cropWidth x 3 bytes.
    ///
    /// - Parameters:
    ///   - rgb: Rows of RGB bytes.
    ///   - rowStride: Bytes from one row to the next; nil for rows without a gap.
    ///   - into: Has the size of the crop, and gets the pixels.
    /// - Throws: `ImageError` if an array has another size, or if a side of the image would have more than 2^31 pixels.
    public mutating func resize(
        _ rgb: [UInt8], width: Int, height: Int, rowStride: Int? = nil, into: inout [UInt8]
    ) throws {
        let stride = rowStride ?? 3 * width
        try requireRoom("RGB", rgb.count, stride: stride, row: 3 * width, width: width, height: height)
        let part = try plan(width: width, height: height)
        try rgb.withUnsafeBufferPointer { rgb in
            guard let first = rgb.baseAddress else { return }
            try scale(first + (part.top * stride + 3 * part.left), rowStride: stride, into: &into)
        }
    }

    /// Finds out which part of an upright image is needed; the result is kept for the next image of the same size.
    mutating func plan(width: Int, height: Int) throws -> ResizePlan {
        if let planned, planned.width == width, planned.height == height { return planned }
        planned = nil
        var plan = try ResizePlan(width: width, height: height, preprocessing)
        let (x, y) = plan.axes(preprocessing)
        across.prepare(x.part, first: x.first, count: plan.insideWidth, preprocessing.interpolation)
        down.prepare(y.part, first: y.first, count: plan.insideHeight, preprocessing.interpolation)
        (plan.left, plan.columns) = (across.low, across.high - across.low)
        (plan.top, plan.rows) = (down.low, down.high - down.low)
        let needed = plan.rows * plan.insideWidth * 3
        if scaled.count < needed { scaled = [UInt8](repeating: 0, count: needed) }
        planned = plan
        return plan
    }

    /// Scales the planned part, which begins at `source`, into the crop.
    mutating func scale(_ source: UnsafePointer<UInt8>, rowStride: Int, into: inout [UInt8]) throws {
        guard let plan = planned else { return }
        let stride = 3 * preprocessing.cropWidth
        let wanted = stride * preprocessing.cropHeight
        try ImageError.require(into.count == wanted, "the target has \(into.count) bytes, expected \(wanted)")
        let corner = plan.insideTop * stride + 3 * plan.insideLeft
        scaled.withUnsafeMutableBufferPointer { scaled in
            into.withUnsafeMutableBufferPointer { into in
                guard let middle = scaled.baseAddress, let out = into.baseAddress else { return }
                if plan.insideWidth < preprocessing.cropWidth || plan.insideHeight < preprocessing.cropHeight {
                    into.update(repeating: 0)
                }
                scaleAcross(source, stride: rowStride, rows: plan.rows, across, columns: plan.insideWidth, into: middle)
                scaleDown(
                    middle, rowBytes: 3 * plan.insideWidth, down, rows: plan.insideHeight, into: out + corner,
                    stride: stride)
            }
        }
    }
}
