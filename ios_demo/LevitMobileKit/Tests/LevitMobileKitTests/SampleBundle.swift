import Foundation
import Testing

@testable import LevitMobileKit

/// A small bundle of three classes, whose artifact no runtime can run.
enum SampleBundle {
    /// The golden image's.
    static let logits: [Float] = [1, -2, 0.5]

    /// Writes it; `artifact` changes the contract's statements about the file, and `golden` is the number of golden images.
    static func write(to bundle: URL, artifact: [String: JSONValue] = [:], golden count: Int = 1) throws {
        func file(_ name: String) -> URL { bundle.appendingPathComponent(name) }
        try FileManager.default.createDirectory(at: bundle, withIntermediateDirectories: true)
        let parts = [
            "model.pte": Data(count: 9), "labels.txt": Data("cat\ndog\ngrößer\n".utf8), "picture.rgb8": Data(0..<27),
            "picture.f32": logits.withUnsafeBytes { Data($0) },
        ]
        for (name, content) in parts { try content.write(to: file(name)) }
        func digest(_ name: String) -> JSONValue { .string(SHA256Digest.of(parts[name] ?? Data())) }
        var fields = try #require(try TestData.json("contracts/complete.json").fields)
        func put(_ stated: [String: JSONValue], into part: JSONValue?) -> JSONValue {
            .object((part?.fields ?? [:]).merging(stated) { $1 })
        }
        let model: [String: JSONValue] = [
            "file": .string("model.pte"), "sha256": digest("model.pte"),
            "toolchain": .object(["executorch": .string("1.4.1")]),
        ]
        fields["artifact"] = put(model.merging(artifact) { $1 }, into: fields["artifact"])
        let shape: [JSONValue] = [1, 3, 3, 3].map { .integer($0) }
        fields["input"] = put(["shape": .array(shape)], into: fields["input"])
        fields["output"] = put(["labels_sha256": digest("labels.txt")], into: fields["output"])
        let golden: [String: JSONValue] = [
            "rgb8_file": .string("picture.rgb8"), "rgb8_sha256": digest("picture.rgb8"),
            "logits_file": .string("picture.f32"), "logits_sha256": digest("picture.f32"),
        ]
        fields["golden"] = .array(Array(repeating: put(golden, into: fields["golden"]?.items?.first), count: count))
        try Data(Contract.read(JSONValue.object(fields).text()).write().utf8).write(to: file("contract.json"))
    }
}
