import Testing

@testable import LevitMobileKit

/// Arithmetic of Swift that overflows ends the process, so a damaged file must be refused before.
@Suite("Hostile numbers")
struct HostileNumbersTests {
    @Test("Sizes of an image that no memory holds are refused", arguments: [Int.max, 1 << 40, 0, -1])
    func sides(size: Int) throws {
        let shape = JSONValue.array([1, 3, size, size].map { .integer($0) })
        let input = try TestData.contract("input", ["shape": shape]).input
        #expect(throws: ImageError.self) { try TensorFormat(input) }
        let crop: [String: JSONValue] = ["crop_height": .integer(size), "crop_width": .integer(size)]
        if size > 0 {
            let preprocessing = try TestData.contract("preprocessing", crop).preprocessing
            #expect(throws: ImageError.self) { try Preprocessor(preprocessing, nil) }
        }
    }

    @Test("An image is not scaled to sizes that no memory holds", arguments: ResizeMode.allCases)
    func scaled(mode: ResizeMode) throws {
        let stated: [String: JSONValue] = ["mode": mode.json, "height": .integer(Int.max), "width": .integer(Int.max)]
        var preprocessor = try Preprocessor(TestData.contract("preprocessing", stated).preprocessing, nil)
        let frame = try RGBFrame([UInt8](repeating: 50, count: 27), width: 3, height: 3)
        if mode == .shortSide {
            #expect(throws: ImageError.self) { try preprocessor.prepare(frame) }
        } else {
            try preprocessor.prepare(frame)
            #expect(preprocessor.pixels == [UInt8](repeating: 50, count: 27))
        }
    }

    @Test("A scale of 0 gives a tensor all the same", arguments: [0, Double.leastNonzeroMagnitude])
    func scale(value: Double) throws {
        var format = TensorFormat(height: 1, width: 1, channelsLast: true, type: .int8)
        let quantization = JSONValue.object(["scale": .number(value), "zero_point": .integer(-128)])
        format.quantization = try TestData.contract("input", ["quantization": quantization]).input.quantization
        var tensor: [Int8] = [1, 1, 1]
        try TensorWriter(format).write([0, 128, 255], into: &tensor)
        #expect(tensor == [0, 127, 127])
    }

    @Test("A number of classes that no memory holds is refused", arguments: [Int.max, 0, -5])
    func classes(count: Int) throws {
        let shape = JSONValue.array([.integer(1), .integer(count)])
        let output = try TestData.contract("output", ["shape": shape]).output
        #expect(throws: ImageError.self) { try LogitsReader(output) }
    }

    @Test("Counts whose sum overflows are refused")
    func sums() throws {
        #expect(sum([Int.max, Int.max, 1]) == Int.max)
        let text = try TestData.text("timing/complete.json")
        var record = try TimingRecord.read(text)
        record.timings[0].processSamples = [Int.max, Int.max]
        #expect(sentence { try record.write() }.contains("process_samples adds up to"))
        let plan = TimingPlan(steps: [TimingStep("x")], rounds: Int.max, warmupRounds: Int.max)
        #expect(throws: FormatError.self) { try plan.write() }
    }

    @Test("A version of too many digits is not judged")
    func versions() throws {
        let stated = JSONValue.object(["executorch": .string("1.\(Int.max)")])
        let contract = try TestData.contract("artifact", ["file": .string("model.pte"), "toolchain": stated])
        #expect(Runtime.executorch.refuses(contract, version: "1.4.1") == nil)
        #expect(Runtime.executorch.refuses(contract, version: "1.\(Int.max)") == nil)
    }
}
