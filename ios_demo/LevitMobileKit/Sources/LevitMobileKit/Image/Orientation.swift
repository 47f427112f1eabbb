/// How a stored image must be turned to be upright: the eight values of EXIF's orientation tag.
public enum Orientation: Int, Sendable, CaseIterable {
    case upright = 1
    case mirrored
    case turned180
    case upsideDown
    case transposed
    case turned90
    case transversed
    case turned270

    /// Orientation of an EXIF tag; any value outside of 1 to 8 means upright, as decoders treat it.
    public init(exif: Int) {
        self = Orientation(rawValue: exif) ?? .upright
    }

    /// Orientation of a camera frame that must be turned clockwise to be upright.
    ///
    /// - Parameter clockwiseDegrees: A multiple of 90.
    /// - Throws: `ImageError` for another angle.
    public init(clockwiseDegrees: Int) throws {
        switch ((clockwiseDegrees % 360) + 360) % 360 {
        case 0: self = .upright
        case 90: self = .turned90
        case 180: self = .turned180
        case 270: self = .turned270
        default: throw ImageError("the rotation is \(clockwiseDegrees) degrees, expected a multiple of 90")
        }
    }

    /// Value of EXIF's tag, 1 to 8.
    public var exif: Int { rawValue }

    /// Whether width and height change places.
    public var swapsSides: Bool { rawValue >= 5 }

    var flipsX: Bool { [.mirrored, .turned180, .transversed, .turned270].contains(self) }

    var flipsY: Bool { [.turned180, .upsideDown, .turned90, .transversed].contains(self) }
}

/// Pixels, sizes or a target that do not fit together.
public struct ImageError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, in one sentence.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    /// Longest side of a prepared image in pixels.
    static let longestSide = 1 << 15

    static func requireSides(height: Int, width: Int) throws {
        try require(
            (1...longestSide).contains(height) && (1...longestSide).contains(width),
            "the input has \(width) x \(height) pixels, expected 1 to \(longestSide) on each side")
    }

    static func require(_ condition: Bool, _ sentence: @autoclosure () -> String) throws {
        if !condition { throw ImageError(sentence()) }
    }
}
