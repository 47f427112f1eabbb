import Foundation
import Testing

@testable import LevitMobileKit

@Suite("Contract")
struct ContractTests {
    @Test(
        "An accepted contract survives reading and writing", arguments: TestData.vectors("contracts.json", "accepted"))
    func roundTrip(vector: Vector) throws {
        let contract = try Contract.read(TestData.text(vector.text("file")))
        let written = try contract.write()
        #expect(try Contract.read(written) == contract)
        if let equals = vector["equals"].string {
            #expect(try JSONValue(parsing: written).byValue == TestData.json(equals).byValue)
        }
    }

    @Test("The complete contract is written as it was, with every field")
    func complete() throws {
        let written = try Contract.read(TestData.text("contracts/complete.json")).write()
        #expect(try JSONValue(parsing: written).byValue == TestData.json("contracts/complete.json").byValue)
        if let folder = ProcessInfo.processInfo.environment["LEVIT_WRITTEN"] {  // for Python to read
            try Data(written.utf8).write(to: URL(fileURLWithPath: folder).appendingPathComponent("contract.json"))
        }
    }

    @Test("A damaged contract is refused", arguments: TestData.vectors("contracts.json", "refused"))
    func refused(vector: Vector) throws {
        let text = try vector["content"].text()
        #expect(sentence { try Contract.read(text) }.hasPrefix("contract.json: "))
    }

    @Test("An unknown version is named")
    func version() {
        let found = sentence { try Contract.read(#"{"schema_version": 3}"#) }
        #expect(found == "contract.json: schema_version is 3, expected 1 or 2")
        let none = sentence { try Contract.read("{}") }
        #expect(none == "contract.json: schema_version is missing, expected 1 or 2")
    }

    @Test("A digest that is not 64 hexadecimal digits is refused")
    func digest() throws {
        let complete = try TestData.text("contracts/complete.json")
        let digest = String(repeating: "5f", count: 32)
        let range = try #require(complete.range(of: digest))
        for other in ["5f5f", String(repeating: "5F", count: 32), String(repeating: "5g", count: 32)] {
            let text = complete.replacingCharacters(in: range, with: other)
            #expect(throws: FormatError.self, "\(other)") { try Contract.read(text) }
        }
    }

    @Test("Text that is not strict JSON is refused")
    func strictness() throws {
        let complete = try TestData.text("contracts/complete.json")
        let texts = [
            "", "[]", "null", String(complete.dropLast(3)), complete.replacingOccurrences(of: "0.5", with: "NaN"),
            complete + " x", "// comment\n" + complete,
        ]
        for text in texts {
            #expect(throws: FormatError.self, "\(text.prefix(40))") { try Contract.read(text) }
        }
    }

    @Test("The reader accepts what the schema accepts, field by field")
    func schema() throws {
        let complete = try TestData.json("contracts/complete.json")
        try SchemaCheck(schema: TestData.schema("contract"), complete: complete) { _ = try Contract.read($0) }.run()
    }

    @Test("A target is known by its suffix")
    func target() throws {
        let found = try ["model.mlpackage", "model.tflite", "model.pte", "model.onnx"].map { try runtime(of: $0) }
        #expect(found == [.coreML, .litert, .executorch, nil])
    }

    @Test("ExecuTorch loads programs of its own and of the previous minor version")
    func executorch() throws {
        let contract = try made("model.pte", ["executorch": "1.4.1"])
        for version in ["1.4.0", "1.4.9", "1.5.0"] {
            #expect(Runtime.executorch.refuses(contract, version: version) == nil)
        }
        let expected = "the artifact was made by ExecuTorch 1.4.1, and the app has 1.3.1, expected 1.4 or 1.5"
        #expect(Runtime.executorch.refuses(contract, version: "1.3.1") == expected)
        for version in ["1.6.0", "2.4.0"] {
            #expect(Runtime.executorch.refuses(contract, version: version) != nil)
        }
    }

    @Test("LiteRT loads artifacts of its major version, and unknown versions are not judged")
    func litert() throws {
        let contract = try made("model.tflite", ["ai-edge-litert": "2.3.0"])
        #expect(Runtime.litert.refuses(contract, version: "2.1.0") == nil)
        let expected = "the artifact was made by LiteRT 2.3.0, and the app has 1.4.2, expected 2.x"
        #expect(Runtime.litert.refuses(contract, version: "1.4.2") == expected)
        #expect(Runtime.litert.refuses(contract, version: "nightly") == nil)
        #expect(try Runtime.litert.refuses(made("model.tflite", [:]), version: "1.4.2") == nil)
    }

    @Test("Core ML needs the system that the contract states")
    func coreML() throws {
        let stated: [String: JSONValue] = ["file": .string("model.mlpackage"), "minimum_ios": .integer(16)]
        let contract = try TestData.contract("artifact", stated)
        #expect(Runtime.coreML.refuses(contract, version: "16.0") == nil)
        #expect(Runtime.coreML.refuses(contract, version: "26.1.2") == nil)
        let expected = "the artifact needs iOS 16, and the device has 15.8.3"
        #expect(Runtime.coreML.refuses(contract, version: "15.8.3") == expected)
    }

    private func runtime(of file: String) throws -> Runtime? {
        Runtime(of: try TestData.contract("artifact", ["file": .string(file)]))
    }

    private func made(_ file: String, _ toolchain: [String: String]) throws -> Contract {
        let versions = JSONValue.object(toolchain.mapValues { .string($0) })
        return try TestData.contract("artifact", ["file": .string(file), "toolchain": versions])
    }
}

/// What a reader reports; empty if it accepts.
func sentence(_ body: () throws -> some Any) -> String {
    do {
        _ = try body()
        return ""
    } catch {
        return "\(error)"
    }
}
