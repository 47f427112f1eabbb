import Testing

@testable import LevitMobileKit

@Suite("Orientation")
struct OrientationTests {
    @Test("Degrees are clockwise")
    func degrees() throws {
        #expect(try [0, 90, 180, 270].map { try Orientation(clockwiseDegrees: $0).exif } == [1, 6, 3, 8])
        #expect(try Orientation(clockwiseDegrees: -90) == .turned270)
        #expect(try Orientation(clockwiseDegrees: 720) == .upright)
        #expect(throws: ImageError.self) { try Orientation(clockwiseDegrees: 45) }
    }

    @Test("An unknown EXIF value means upright")
    func exif() {
        #expect((1...8).map { Orientation(exif: $0).exif } == Array(1...8))
        #expect([0, 9, -1].map { Orientation(exif: $0) } == [.upright, .upright, .upright])
    }

    // a b c    turned by 90 degrees clockwise:   d a
    // d e f                                      e b
    //                                            f c
    @Test(
        "An image of two rows is turned as drawn",
        arguments: [
            (Orientation.turned90, "da eb fc"), (.turned270, "cf be ad"), (.turned180, "fed cba"),
            (.transposed, "ad be cf"), (.transversed, "fc eb da"), (.mirrored, "cba fed"), (.upsideDown, "def abc"),
        ])
    func turned(orientation: Orientation, expected: String) throws {
        let frame = try RGBFrame("abcdef".utf8.flatMap { [$0, $0, $0] }, width: 3, height: 2)
        let columns = orientation.swapsSides ? 2 : 3
        let letters = upright(frame, orientation, columns: columns, rows: 6 / columns)
        let rows = stride(from: 0, to: 6, by: columns).map { row in
            String(decoding: (row..<row + columns).map { letters[3 * $0] }, as: UTF8.self)
        }
        #expect(rows.joined(separator: " ") == expected)
    }
}

/// The whole upright image as packed RGB.
func upright(_ frame: some Frame, _ orientation: Orientation, columns: Int, rows: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 3 * columns * rows) { bytes, count in
        if let first = bytes.baseAddress {
            frame.readUpright(orientation, left: 0, top: 0, columns: columns, rows: rows, into: first)
        }
        count = 3 * columns * rows
    }
}
