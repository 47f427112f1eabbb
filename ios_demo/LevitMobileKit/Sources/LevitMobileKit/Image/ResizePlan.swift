/// Long side / short side beyond which only the crop's own part of an image is resized.
private let elongated = 64

/// Which part of an image decides the crop, and which part of the crop the image covers.
struct ResizePlan: Sendable {
    let width: Int
    let height: Int
    /// The part of the crop that the image covers.
    let insideLeft, insideTop, insideWidth, insideHeight: Int
    /// The part of the upright image that decides it.
    var left = 0
    var top = 0
    var columns = 0
    var rows = 0

    private let resizedWidth, resizedHeight: Int
    private let firstColumn, firstRow: Int

    /// One direction of the resize: the scaled part, and its first target index.
    typealias Direction = (part: Axis.Part, first: Int)

    init(width: Int, height: Int, _ preprocessing: Preprocessing) throws {
        (self.width, self.height) = (width, height)
        (resizedWidth, resizedHeight) = try Self.resized(width: width, height: height, preprocessing)
        let cropLeft = Self.corner(resizedWidth, preprocessing.cropWidth, preprocessing.cropRounding)
        let cropTop = Self.corner(resizedHeight, preprocessing.cropHeight, preprocessing.cropRounding)
        firstColumn = max(cropLeft, 0)
        firstRow = max(cropTop, 0)
        insideLeft = firstColumn - cropLeft
        insideTop = firstRow - cropTop
        insideWidth = min(cropLeft + preprocessing.cropWidth, resizedWidth) - firstColumn
        insideHeight = min(cropTop + preprocessing.cropHeight, resizedHeight) - firstRow
    }

    /// What is scaled across and down.
    func axes(_ preprocessing: Preprocessing) -> (Direction, Direction) {
        if preprocessing.mode == .shortSide && max(width, height) > elongated * min(width, height) { return partOnly() }
        func whole(_ size: Int, _ resized: Int) -> Axis.Part {
            Axis.Part(from: 0, to: Float(size), sourceSize: size, targetSize: resized)
        }
        return ((whole(width, resizedWidth), firstColumn), (whole(height, resizedHeight), firstRow))
    }

    /// Only the crop's part is scaled, with its corners as 32-bit floats, as Pillow's `resize(box=)` keeps them.
    private func partOnly() -> (Direction, Direction) {
        let x = Double(width) / Double(resizedWidth)
        let y = Double(height) / Double(resizedHeight)
        let (left, right) = (Double(firstColumn) * x, Double(firstColumn + insideWidth) * x)
        let (top, bottom) = (Double(firstRow) * y, Double(firstRow + insideHeight) * y)
        let shrinking = max((right - left) / Double(insideWidth), (bottom - top) / Double(insideHeight), 1)
        let reach = Int((2 * shrinking).rounded(.up)) + 1
        func near(_ from: Double, _ to: Double, _ size: Int, _ count: Int) -> Direction {
            let first = max(Int(from.rounded(.down)) - reach, 0)
            let end = min(Int(to.rounded(.up)) + reach, size)
            let (start, stop) = (Float(from - Double(first)), Float(to - Double(first)))
            return (Axis.Part(from: start, to: stop, sourceSize: end - first, targetSize: count, offset: first), 0)
        }
        return (near(left, right, width, insideWidth), near(top, bottom, height, insideHeight))
    }

    private static func resized(width: Int, height: Int, _ preprocessing: Preprocessing) throws -> (Int, Int) {
        switch preprocessing.mode {
        case .none: (width, height)
        case .squash:
            (min(preprocessing.width, Int(Int32.max)), min(preprocessing.height, Int(Int32.max)))
        case .shortSide:
            try (
                covering(width, width, height, preprocessing.width, preprocessing),
                covering(height, width, height, preprocessing.height, preprocessing)
            )
        }
    }

    /// One side of the image after scaling: truncated for a square, rounded for a rectangle.
    private static func covering(
        _ side: Int, _ width: Int, _ height: Int, _ wanted: Int, _ preprocessing: Preprocessing
    ) throws -> Int {
        let covered: Double
        if preprocessing.width == preprocessing.height {
            covered = (Double(wanted) * Double(side) / Double(min(width, height))).rounded(.down)
        } else {
            let ratio = min(
                Double(width) / Double(preprocessing.width), Double(height) / Double(preprocessing.height))
            covered = max((Double(side) / ratio).rounded(.toNearestOrEven), 1)
        }
        try ImageError.require(
            covered < Double(Int32.max), "the image of \(width) x \(height) pixels is too elongated to be resized")
        return Int(covered)
    }

    /// Where the crop begins; below 0 where the image is smaller.
    private static func corner(_ edge: Int, _ crop: Int, _ rounding: CropRounding) -> Int {
        if rounding == .down { return (edge - crop) >> 1 }
        if edge >= crop { return Int((Double(edge - crop) / 2).rounded(.toNearestOrEven)) }
        return -((crop - edge) / 2)
    }
}
