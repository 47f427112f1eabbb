import Testing

@testable import LevitMobileKit

@Suite("LogitsReader and TopClasses")
struct PredictionTests {
    static let vectors = TestData.vectors("outputs.json")
    private let labels = ["cat", "dog", "fox", "owl"]

    @Test("Every output is read as Python reads it", arguments: vectors)
    func outputs(vector: Vector) throws {
        let bytes = try TestData.bytes(vector.text("stored_file"))
        let expected = try #require(vector["logits"].items).map { Float(try #require($0.double)) }
        let reader = try LogitsReader(output(vector))
        #expect(reader.classes == expected.count)
        #expect(try bytes.withUnsafeBytes { try reader.read($0) } == expected)
    }

    @Test("An output of another size and a batch are refused")
    func sizes() throws {
        let vector = try #require(Self.vectors.first)
        let reader = try LogitsReader(output(vector))
        for count in [reader.bytes - 1, reader.bytes + 1] {
            #expect(throws: ImageError.self) {
                try [UInt8](repeating: 0, count: count).withUnsafeBytes { try reader.read($0) }
            }
        }
        let batch = JSONValue.array([.integer(2), .integer(6)])
        let two = try TestData.contract("output", ["shape": batch]).output
        #expect(throws: ImageError.self) { try LogitsReader(two) }
    }

    @Test("The best classes come with their labels and probabilities")
    func top() throws {
        let logits: [Float] = [0, 2, -1, 2]
        let top = try TopClasses.of(logits, labels: labels, head: .softmax, k: 3)
        #expect(top.map(\.label) == ["dog", "owl", "cat"])
        #expect(top.map(\.index) == [1, 3, 0])
        #expect(abs(try #require(top[0].probability) - 0.4576) < 1e-4)
        let all = try TopClasses.of(logits, labels: labels, head: .softmax).compactMap(\.probability)
        #expect(abs(all.reduce(0, +) - 1) < 1e-12)
        let sigmoid = try TopClasses.of(logits, labels: labels, head: .sigmoid)
        #expect(abs(try #require(sigmoid[1].probability) - 0.8808) < 1e-4)
        #expect(try TopClasses.of(logits, labels: labels, head: .none, k: 2).map(\.probability) == [nil, nil])
        #expect(throws: MetricsError.self) {
            try TopClasses.of(logits, labels: labels.dropLast(), head: .softmax)
        }
    }

    private func output(_ vector: Vector) throws -> Output {
        try TestData.contract("output", vector.fields("output")).output
    }
}
