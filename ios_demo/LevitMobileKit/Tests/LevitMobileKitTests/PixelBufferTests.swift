import Foundation
import Testing

@testable import LevitMobileKit

/// The memory of the pixel buffer that `CoreMLRunner` fills, written for Python: `ios_demo/tools/pixel_buffers.py`
/// compares it with what the MIL reference is fed for the same picture and contract.
@Suite("Pixel buffers of Core ML")
struct PixelBufferTests {
    /// A photograph, stored as an orientation says, and how a contract wants it.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var orientation = Orientation.upright
        /// Bytes between two rows of the buffer; Core Video aligns rows.
        var gap = 0
        var height = 224
        var width = 224
        var preprocessing: [String: JSONValue] = [:]

        var testDescription: String { name }
        var rowStride: Int { 4 * width + gap }
    }

    private static let photograph = "resize/photograph-224.source"
    private static let stored = (width: 320, height: 240)
    static let cases = [
        Case(name: "upright"),
        Case(name: "turned", orientation: .turned90, gap: 64),
        Case(
            name: "mirrored-rectangle", orientation: .mirrored, gap: 40, height: 160, width: 246,
            preprocessing: [
                "mode": .string("squash"), "height": .integer(192), "width": .integer(256),
                "interpolation": .string("bilinear"), "crop_rounding": .string("down"),
            ]),
        Case(
            name: "larger-than-the-picture", orientation: .transversed, gap: 12, height: 400, width: 288,
            preprocessing: ["mode": .string("none")]),
    ]

    @Test("A photograph is written for Python as Core ML gets it", arguments: cases)
    func written(one: Case) throws {
        let contract = try contract(one)
        var preprocessor = try Preprocessor(contract)
        try preprocessor.prepare(frame(), one.orientation)
        // As `CoreMLRunner` does with the memory of a CVPixelBuffer.
        let writer = PixelWriter(height: contract.input.height, width: contract.input.width)
        var memory = [UInt8](repeating: 9, count: one.rowStride * one.height)
        try memory.withUnsafeMutableBytes { bytes in
            try writer.write(preprocessor.pixels, into: bytes, rowStride: one.rowStride)
        }
        #expect(Set(memory).count > 200, "a photograph has many levels")
        guard let folder = ProcessInfo.processInfo.environment["LEVIT_WRITTEN"] else { return }
        let place = URL(fileURLWithPath: folder)
        try Data(memory).write(to: place.appendingPathComponent("\(one.name).bgra"))
        try Data(contract.write().utf8).write(to: place.appendingPathComponent("\(one.name).contract.json"))
        try Data(JSONValue.array(Self.cases.map(described)).text().utf8).write(
            to: place.appendingPathComponent("pixels.json"), options: .atomic)
    }

    /// What Python needs to know.
    private func described(_ one: Case) -> JSONValue {
        .object([
            "name": .string(one.name), "picture": .string("testdata/\(Self.photograph)"),
            "width": .integer(Self.stored.width), "height": .integer(Self.stored.height),
            "orientation": .integer(one.orientation.exif), "row_stride": .integer(one.rowStride),
        ])
    }

    /// The photograph as a camera gives it.
    private func frame() throws -> BGRAFrame {
        let (pixels, padded) = (try TestData.bytes(Self.photograph), 4 * Self.stored.width + 16)
        var bytes = [UInt8](repeating: 7, count: padded * Self.stored.height)
        for y in 0..<Self.stored.height {
            for x in 0..<Self.stored.width {
                let (from, to) = (3 * (y * Self.stored.width + x), y * padded + 4 * x)
                for color in 0..<3 { bytes[to + 2 - color] = pixels[from + color] }
                bytes[to + 3] = 255
            }
        }
        return try BGRAFrame(bytes, width: Self.stored.width, height: Self.stored.height, rowStride: padded)
    }

    private func contract(_ one: Case) throws -> Contract {
        let usual: [String: JSONValue] = [
            "height": .integer(256), "width": .integer(256), "crop_height": .integer(one.height),
            "crop_width": .integer(one.width),
        ]
        var contract = try TestData.contract("preprocessing", usual.merging(one.preprocessing) { $1 })
        let shape: [JSONValue] = [1, 3, one.height, one.width].map { .integer($0) }
        contract.input = try TestData.contract(
            "input",
            [
                "dtype": .string("image"), "range": .array([.integer(0), .integer(255)]), "quantization": .null,
                "shape": .array(shape),
            ]
        ).input
        return contract
    }
}
