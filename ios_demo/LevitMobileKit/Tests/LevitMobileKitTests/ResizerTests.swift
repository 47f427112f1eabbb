import Testing

@testable import LevitMobileKit

@Suite("Resizer and Preprocessor")
struct ResizerTests {
    static let vectors = TestData.vectors("resize.json")

    @Test("Every vector gives Pillow's bytes, from every kind of frame", arguments: vectors)
    func pillow(vector: Vector) throws {
        let orientation = Orientation(exif: try vector.int("orientation"))
        let wanted = try expected(vector)
        for frame in try forms(vector) {
            var preprocessor = try Preprocessor(preprocessing(vector), nil)
            for _ in 0..<2 { try preprocessor.prepare(frame, orientation) }
            #expect(preprocessor.pixels == wanted, "\(type(of: frame))")
        }
    }

    @Test("There are enough vectors, of every orientation")
    func count() throws {
        #expect(Self.vectors.count >= 24)
        #expect(Set(try Self.vectors.map { try $0.int("orientation") }) == Set(1...8))
    }

    @Test("An image of rows that are further apart needs no frame")
    func strides() throws {
        let vector = try #require(Self.vectors.first { $0.name == "padded" })
        var resizer = Resizer(try preprocessing(vector))
        #expect(try resized(vector, &resizer) == expected(vector))
    }

    @Test("One resizer takes images of different sizes in turn")
    func inTurn() throws {
        let first = try #require(Self.vectors.first)
        let same = try Self.vectors.filter {
            try $0["preprocessing"] == first["preprocessing"] && $0.int("orientation") == 1 && $0.int("channels") == 3
        }
        #expect(same.count >= 5)
        var resizer = Resizer(try preprocessing(first))
        for vector in same + same.reversed() {
            #expect(try resized(vector, &resizer) == expected(vector), "\(vector.name)")
        }
    }

    @Test("Arrays of a wrong size are refused")
    func sizes() throws {
        var resizer = Resizer(try preprocessing(try #require(Self.vectors.first)))
        let wanted = 32 * 32 * 3
        for (size, width, stride, target) in [
            (29, 5, 15, wanted), (30, 5, 15, wanted - 1), (30, 5, 14, wanted), (30, 0, 15, wanted),
        ] {
            var into = [UInt8](repeating: 0, count: target)
            #expect(throws: ImageError.self) {
                try resizer.resize(
                    [UInt8](repeating: 0, count: size), width: width, height: 2, rowStride: stride, into: &into)
            }
        }
    }

    @Test("An image that would have too many pixels after scaling is refused, each time")
    func elongated() throws {
        let stated: [String: JSONValue] = ["height": .integer(1000), "width": .integer(1000)]
        var resizer = Resizer(try TestData.contract("preprocessing", stated).preprocessing)
        for _ in 0..<2 {
            let found = sentence { try resizer.plan(width: 1, height: 3_000_000) }
            #expect(found == "the image of 1 x 3000000 pixels is too elongated to be resized")
        }
    }

    @Test("A crop of another size than the input is refused")
    func crop() throws {
        let format = TensorFormat(height: 3, width: 4, channelsLast: true, type: .float32)
        let preprocessing = try TestData.contract("preprocessing", [:]).preprocessing
        #expect(throws: ImageError.self) { try Preprocessor(preprocessing, format) }
        #expect(throws: ImageError.self) { try Preprocessor(Contract.read(TestData.text("contracts/complete.json"))) }
    }

    /// The vector's image in every form that an app may have it in.
    private func forms(_ vector: Vector) throws -> [any Frame] {
        let bytes = try source(vector)
        let (width, height) = (try vector.int("width"), try vector.int("height"))
        let (channels, stride) = (try vector.int("channels"), try vector.int("row_stride"))
        let padded = 4 * width + 12
        var rgba = [UInt8](repeating: 7, count: padded * height)
        var bgra = rgba
        for y in 0..<height {
            for x in 0..<width {
                let (from, to) = (y * stride + channels * x, y * padded + 4 * x)
                for color in 0..<3 {
                    rgba[to + color] = bytes[from + color]
                    bgra[to + 2 - color] = bytes[from + color]
                }
                rgba[to + 3] = channels == 4 ? bytes[from + 3] : 255
                bgra[to + 3] = rgba[to + 3]
            }
        }
        let stored: any Frame =
            channels == 4
            ? try RGBAFrame(bytes, width: width, height: height, rowStride: stride)
            : try RGBFrame(bytes, width: width, height: height, rowStride: stride)
        return [
            stored, try RGBAFrame(rgba, width: width, height: height, rowStride: padded),
            try BGRAFrame(bgra, width: width, height: height, rowStride: padded),
        ]
    }

    private func resized(_ vector: Vector, _ resizer: inout Resizer) throws -> [UInt8] {
        var found = [UInt8](repeating: 1, count: try expected(vector).count)
        try resizer.resize(
            source(vector), width: vector.int("width"), height: vector.int("height"),
            rowStride: vector.int("row_stride"), into: &found)
        return found
    }

    private func preprocessing(_ vector: Vector) throws -> Preprocessing {
        try TestData.contract("preprocessing", vector.fields("preprocessing")).preprocessing
    }

    private func expected(_ vector: Vector) throws -> [UInt8] {
        let bytes = try TestData.bytes(vector.text("expected_file"))
        #expect(try SHA256Digest.of(bytes) == vector.text("expected_sha256"))
        return bytes
    }

    private func source(_ vector: Vector) throws -> [UInt8] {
        if let file = vector["source_file"].string { return try TestData.bytes(file) }
        return try TestData.drawn(seed: vector.int("seed"), count: vector.int("height") * vector.int("row_stride"))
    }
}
