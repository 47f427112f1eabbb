import Testing

@testable import LevitMobileKit

@Suite("YUVFrame")
struct YUVFrameTests {
    static let vectors = TestData.vectors("yuv.json")

    @Test("Every frame gives the formula's colours", arguments: vectors)
    func colours(vector: Vector) throws {
        let frame = try frame(vector)
        let found = upright(frame, .upright, columns: frame.width, rows: frame.height)
        #expect(try found == TestData.bytes(vector.text("expected_file")))
    }

    @Test("A turned frame has the turned image's colours", arguments: Orientation.allCases)
    func turned(orientation: Orientation) throws {
        let vector = try #require(Self.vectors.first { $0.name == "planes-odd-padded-full" })
        let frame = try frame(vector)
        let stored = try RGBFrame(
            TestData.bytes(vector.text("expected_file")), width: frame.width, height: frame.height)
        let columns = orientation.swapsSides ? frame.height : frame.width
        let rows = frame.width * frame.height / columns
        let expected = upright(stored, orientation, columns: columns, rows: rows)
        #expect(upright(frame, orientation, columns: columns, rows: rows) == expected)
    }

    /// 75% bars of BT.601 in 8 bits: Y, U and V, then red, green and blue.
    @Test(
        "Colour bars are those of the standard",
        arguments: [
            [180, 128, 128, 191, 191, 191], [162, 44, 142, 191, 191, 0], [131, 156, 44, 0, 191, 191],
            [112, 72, 58, 0, 191, 0], [84, 184, 198, 191, 0, 191], [65, 100, 212, 191, 0, 0],
            [35, 212, 114, 0, 0, 191], [16, 128, 128, 0, 0, 0],
        ])
    func bars(bar: [Int]) throws {
        let frame = try YUVFrame(
            bar.prefix(3).map { UInt8($0) }, width: 1, height: 1, offsets: .init(y: 0, u: 1, v: 2), yRowStride: 1,
            uvRowStride: 1, uvPixelStride: 1, range: .limited)
        let found = upright(frame, .upright, columns: 1, rows: 1)
        for (expected, level) in zip(bar.dropFirst(3), found) { #expect(abs(expected - Int(level)) <= 1) }
    }

    @Test("A plane that is too short is refused")
    func short() {
        let plane = [UInt8](repeating: 0, count: 16)
        func made(_ width: Int, _ y: Int, _ uv: Int, _ pixelStride: Int, u: Int = 0) throws -> YUVFrame {
            try YUVFrame(
                plane, width: width, height: 4, offsets: .init(y: 0, u: u, v: 0), yRowStride: y, uvRowStride: uv,
                uvPixelStride: pixelStride, range: .full)
        }
        #expect(throws: ImageError.self) { try made(5, 5, 3, 1) }
        #expect(throws: ImageError.self) { try made(4, 4, 2, 1, u: 13) }
        #expect(throws: ImageError.self) { try made(4, 4, 2, 0) }
        #expect(throws: ImageError.self) { try made(4, 4, 2, 1, u: -1) }
        #expect(throws: Never.self) { try made(4, 4, 2, 1, u: 12) }
    }

    private func frame(_ vector: Vector) throws -> YUVFrame {
        try YUVFrame(
            TestData.drawn(seed: vector.int("seed"), count: vector.int("length")), width: vector.int("width"),
            height: vector.int("height"),
            offsets: .init(y: vector.int("y_offset"), u: vector.int("u_offset"), v: vector.int("v_offset")),
            yRowStride: vector.int("y_row_stride"), uvRowStride: vector.int("uv_row_stride"),
            uvPixelStride: vector.int("uv_pixel_stride"), range: #require(YUVRange(rawValue: vector.text("range"))))
    }
}
