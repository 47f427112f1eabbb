import Testing

@testable import LevitMobileKit

@Suite("TensorWriter and PixelWriter")
struct TensorTests {
    static let vectors = TestData.vectors("tensors.json", "tensors")
    private let pixels: [UInt8]
    private let format: TensorFormat

    init() throws {
        pixels = try TestData.bytes("tensors/pixels.rgb8")
        format = try Self.format(#require(Self.vectors.first))
    }

    @Test("Every tensor is Python's, bit by bit", arguments: vectors)
    func tensors(vector: Vector) throws {
        let format = try Self.format(vector)
        let expected = try TestData.bytes(vector.text("expected_file"))
        #expect(try SHA256Digest.of(expected) == vector.text("expected_sha256"))
        let writer = TensorWriter(format)
        var found = [UInt8](repeating: 1, count: format.bytes)
        try found.withUnsafeMutableBytes { try writer.write(pixels, into: $0) }
        #expect(found == expected)
        if format.type == .float32 {
            var floats = [Float](repeating: 1, count: format.elements)
            try writer.write(pixels, into: &floats)
            #expect(floats.withUnsafeBytes { [UInt8]($0) } == expected)
        }
        if format.type.bytes == 1 {
            var integers = [Int8](repeating: 1, count: format.elements)
            try writer.write(pixels, into: &integers)
            #expect(integers.map { UInt8(bitPattern: $0) } == expected)
        }
    }

    @Test("There is a tensor of every type and layout that a contract may state")
    func types() throws {
        let stated = try Self.vectors.map { try $0.fields("input") }
        let found = Set(stated.map { "\($0["dtype"]?.string ?? "") \($0["layout"]?.string ?? "")" })
        for type in InputType.allCases where type != .image {
            for layout in Layout.allCases { #expect(found.contains("\(type.rawValue) \(layout.rawValue)")) }
        }
    }

    @Test("A target of another size or type is refused")
    func sizes() throws {
        let writer = TensorWriter(format)
        func write(_ count: Int, _ pixels: [UInt8]) throws {
            var into = [Float](repeating: 0, count: count)
            try writer.write(pixels, into: &into)
        }
        #expect(throws: Never.self) { try write(format.elements, pixels) }
        #expect(throws: ImageError.self) { try write(format.elements - 1, pixels) }
        #expect(throws: ImageError.self) { try write(format.elements + 1, pixels) }
        #expect(throws: ImageError.self) { try write(format.elements, pixels.dropLast(3)) }
        var bytes = [Int8](repeating: 0, count: format.elements)
        #expect(throws: ImageError.self) { try writer.write(pixels, into: &bytes) }
        var short = [UInt8](repeating: 0, count: format.bytes - 4)
        #expect(throws: ImageError.self) { try short.withUnsafeMutableBytes { try writer.write(pixels, into: $0) } }
        var integers = format
        integers.type = .int8
        var floats = [Float](repeating: 0, count: format.elements)
        #expect(throws: ImageError.self) { try TensorWriter(integers).write(pixels, into: &floats) }
    }

    @Test("Values beyond an integer's range are clipped")
    func clipped() throws {
        var other = format
        other.type = .int8
        other.quantization = try TestData.contract(
            "input", ["quantization": .object(["scale": .number(1 / 400.0), "zero_point": .integer(0)])]
        ).input.quantization
        var found = [Int8](repeating: 0, count: other.elements)
        try TensorWriter(other).write([UInt8](repeating: 255, count: other.elements), into: &found)
        #expect(Set(found) == [127])
    }

    private static let halves: [(Float, UInt16)] = [
        (0, 0x0000), (-0.0, 0x8000), (1, 0x3c00), (-2, 0xc000), (65504, 0x7bff), (65519.996, 0x7bff), (65520, 0x7c00),
        (.infinity, 0x7c00), (-.infinity, 0xfc00), (.nan, 0x7e00), (6.1035156e-5, 0x0400), (6.097555e-5, 0x03ff),
        (5.9604645e-8, 0x0001), (2.9802322e-8, 0x0000), (2.9802326e-8, 0x0001), (1.00048828125, 0x3c00),
        (1.00146484375, 0x3c02),
    ]

    @Test("Half floats are rounded to even and keep their limits", arguments: halves)
    func half(value: Float, bits: UInt16) {
        #expect(halfBits(value) == bits)
    }

    @Test("Every half float survives the way to a float and back")
    func roundTrip() {
        let changed = (UInt16.min...UInt16.max).filter { bits in
            let value = halfToFloat(bits)
            return !value.isNaN && halfBits(value) != bits
        }
        #expect(changed.isEmpty)
    }

    @Test("A Core ML image and a batch are refused as tensors")
    func notTensors() throws {
        let image = try TestData.contract("input", ["dtype": .string("image")]).input
        #expect(throws: ImageError.self) { try TensorFormat(image) }
        let two = JSONValue.array([2, 3, 224, 224].map { .integer($0) })
        #expect(throws: ImageError.self) { try TensorFormat(TestData.contract("input", ["shape": two]).input) }
    }

    @Test("A Core ML image gets the prepared levels as BGRA, and rows keep their padding")
    func bgra() throws {
        let vector = try #require(TestData.vectors("resize.json").first { $0.name == "orientation-6" })
        let (width, height) = (try vector.int("width"), try vector.int("height"))
        let frame = try RGBFrame(
            TestData.drawn(seed: vector.int("seed"), count: height * vector.int("row_stride")), width: width,
            height: height, rowStride: vector.int("row_stride"))
        var preprocessor = try Preprocessor(
            TestData.contract("preprocessing", vector.fields("preprocessing")).preprocessing, nil)
        let stride = 4 * preprocessor.width + 64
        var found = [UInt8](repeating: 9, count: stride * preprocessor.height)
        try found.withUnsafeMutableBytes { try preprocessor.writeBGRA(frame, .turned90, into: $0, rowStride: stride) }
        let pixels = try TestData.bytes(vector.text("expected_file"))
        var expected: [UInt8] = []
        for row in 0..<preprocessor.height {
            for column in 0..<preprocessor.width {
                let at = 3 * (row * preprocessor.width + column)
                expected += [pixels[at + 2], pixels[at + 1], pixels[at], 255]
            }
            expected += [UInt8](repeating: 9, count: 64)
        }
        #expect(found == expected)
        var floats = [Float](repeating: 0, count: pixels.count)
        #expect(throws: ImageError.self) { try preprocessor.write(frame, into: &floats) }
        #expect(throws: ImageError.self) {
            try found.withUnsafeMutableBytes {
                try preprocessor.writeBGRA(frame, into: $0, rowStride: 4 * preprocessor.width - 1)
            }
        }
    }

    /// uint8 is in no contract: it is read as int8, and its type is put right.
    private static func format(_ vector: Vector) throws -> TensorFormat {
        var stated = try vector.fields("input")
        let isUnsigned = stated["dtype"]?.string == "uint8"
        if isUnsigned { stated["dtype"] = .string("int8") }
        var format = try TensorFormat(TestData.contract("input", stated).input)
        if isUnsigned { format.type = .uint8 }
        return format
    }
}
