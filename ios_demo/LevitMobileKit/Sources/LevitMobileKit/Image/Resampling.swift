/// Bits behind the point of a weight: 32 less 8 for the level and 2 for the bicubic filter's overshoot.
private let precisionBits: Int32 = 22
private let half: Int32 = 1 << 21

/// The weights of one direction of a resize, as Pillow's `Resample.c` computes them: doubles, normalised to a sum of 1,
/// then rounded to integers of 22 bits behind the point.
struct Axis: Sendable {
    /// First source index of each target index, relative to `low`.
    private(set) var starts: [Int] = []
    /// Number of weights of each target index.
    private(set) var counts: [Int] = []
    /// Weights of target index i from `i * taps` on.
    private(set) var weights: [Int32] = []
    private(set) var taps = 0
    /// First source index that any weight reaches.
    private(set) var low = 0
    /// One after the last source index that any weight reaches.
    private(set) var high = 0
    private var exact: [Double] = []

    /// A part of the source that is scaled, from one coordinate to another.
    struct Part {
        /// Where it begins and ends.
        let from, to: Float
        /// Size of the source, which the filter does not leave.
        let sourceSize: Int
        /// Size that the part is scaled to.
        let targetSize: Int
        /// Added to source indices.
        var offset = 0
    }

    /// Computes the weights of target indices `first` until `first + count`.
    mutating func prepare(_ part: Part, first: Int, count: Int, _ interpolation: Interpolation) {
        let scale = Double(part.to - part.from) / Double(part.targetSize)
        let widened = max(scale, 1)
        let support = (interpolation == .bicubic ? 2 : 1) * widened
        taps = Int(support.rounded(.up)) * 2 + 1
        reserve(count)
        for place in 0..<count {
            let centre = Double(part.from) + (Double(first + place) + 0.5) * scale
            let start = max(Int(centre - support + 0.5), 0)
            let end = min(Int(centre + support + 0.5), part.sourceSize)
            starts[place] = start + part.offset
            counts[place] = end - start
            weigh(at: place * taps, start: start, count: end - start, centre, 1 / widened, interpolation)
        }
        shiftToFirst(count)
    }

    private mutating func reserve(_ count: Int) {
        if starts.count < count {
            starts = [Int](repeating: 0, count: count)
            counts = starts
        }
        if weights.count < count * taps { weights = [Int32](repeating: 0, count: count * taps) }
        if exact.count < taps { exact = [Double](repeating: 0, count: taps) }
    }

    private mutating func weigh(
        at: Int, start: Int, count: Int, _ centre: Double, _ narrowed: Double, _ interpolation: Interpolation
    ) {
        var sum = 0.0
        for place in 0..<count {
            let distance = (Double(place + start) - centre + 0.5) * narrowed
            exact[place] = interpolation == .bicubic ? bicubic(distance) : max(1 - abs(distance), 0)
            sum += exact[place]
        }
        for place in 0..<count {
            let weight = sum != 0 ? exact[place] / sum : exact[place]
            weights[at + place] = Int32((weight < 0 ? -0.5 : 0.5) + weight * Double(1 << precisionBits))
        }
    }

    private mutating func shiftToFirst(_ count: Int) {
        low = Int.max
        high = Int.min
        for place in 0..<count {
            low = min(low, starts[place])
            high = max(high, starts[place] + counts[place])
        }
        for place in 0..<count { starts[place] -= low }
    }

    /// Keys' cubic convolution with a = -0.5.
    private func bicubic(_ distance: Double) -> Double {
        let x = abs(distance)
        if x < 1 { return ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1 }
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0
    }
}

/// Scales rows of RGB across: `rows` rows of the source become rows of `columns` pixels in the target.
func scaleAcross(
    _ source: UnsafePointer<UInt8>, stride: Int, rows: Int, _ axis: Axis, columns: Int,
    into target: UnsafeMutablePointer<UInt8>
) {
    axis.weights.withUnsafeBufferPointer { weights in
        for row in 0..<rows {
            for column in 0..<columns {
                var (red, green, blue) = (half, half, half)
                var pixel = source + (row * stride + 3 * axis.starts[column])
                let first = column * axis.taps
                for place in first..<first + axis.counts[column] {
                    let weight = weights[place]
                    red &+= Int32(pixel[0]) &* weight
                    green &+= Int32(pixel[1]) &* weight
                    blue &+= Int32(pixel[2]) &* weight
                    pixel += 3
                }
                let out = target + 3 * (row * columns + column)
                (out[0], out[1], out[2]) = (level(red), level(green), level(blue))
            }
        }
    }
}

/// Scales columns of RGB down: rows of `rowBytes` bytes in the source become `rows` rows in the target.
func scaleDown(
    _ source: UnsafePointer<UInt8>, rowBytes: Int, _ axis: Axis, rows: Int,
    into target: UnsafeMutablePointer<UInt8>, stride: Int
) {
    axis.weights.withUnsafeBufferPointer { weights in
        for row in 0..<rows {
            let begin = source + axis.starts[row] * rowBytes
            let first = row * axis.taps
            let count = axis.counts[row]
            let out = target + row * stride
            for column in 0..<rowBytes {
                var sum = half
                for place in 0..<count {
                    sum &+= Int32(begin[place * rowBytes + column]) &* weights[first + place]
                }
                out[column] = level(sum)
            }
        }
    }
}

/// A sum with 22 bits behind the point as a level in 0..255.
@inline(__always)
private func level(_ sum: Int32) -> UInt8 {
    UInt8(truncatingIfNeeded: min(max(sum >> precisionBits, 0), 255))
}
