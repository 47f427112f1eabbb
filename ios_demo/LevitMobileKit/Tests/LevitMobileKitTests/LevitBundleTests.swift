import Foundation
import Testing

@testable import LevitMobileKit

@Suite("LevitBundle")
struct LevitBundleTests {
    private let folder: TemporaryFolder
    private var bundle: URL { folder.url.appendingPathComponent("bundle") }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test("A bundle is opened with its labels and golden images")
    func opened() throws {
        try write()
        let opened = try LevitBundle(opening: bundle)
        #expect(opened.labels == ["cat", "dog", "größer"])
        #expect(opened.golden.map(\.pixels.count) == [27])
        #expect(opened.golden.map(\.logits) == [[1, -2, 0.5]])
        #expect(opened.artifact.lastPathComponent == "model.pte")
        #expect(opened.runtime == .executorch)
        #expect(try opened.contractSHA256 == SHA256Digest.of(Data(contentsOf: file("contract.json"))))
    }

    @Test(
        "A bundle that is not what its contract states is refused",
        arguments: ["model.pte", "labels.txt", "picture.rgb8", "picture.f32"])
    func damaged(name: String) throws {
        try write()
        try Data("x".utf8).write(to: file(name))
        #expect(refusal().hasPrefix("bundle: \(name) has digest "))
        try FileManager.default.removeItem(at: file(name))
        #expect(refusal() == "bundle: \(name) is missing or cannot be read")
    }

    @Test("A contract that cannot be read, an artifact elsewhere and a missing folder are refused")
    func unreadable() throws {
        #expect(refusal() == "bundle: contract.json is missing or cannot be read")
        try write(artifact: ["file": .string("../model.pte")])
        #expect(refusal() == "bundle: ../model.pte is not a path below the bundle's folder")
        try Data("{}".utf8).write(to: file("contract.json"))
        #expect(refusal() == "bundle: contract.json: schema_version is missing, expected 1 or 2")
    }

    @Test("An artifact that no runtime loads is not called damaged")
    func unsupported() throws {
        try write(artifact: ["file": .string("model.onnx")])
        let sentence = "bundle has model.onnx, expected .mlpackage, .pte or .tflite"
        #expect(throws: StoreError.unsupported(sentence)) { try LevitBundle(opening: bundle) }
    }

    @Test("A Core ML package has the digest of its files' list, without what macOS adds")
    func package() throws {
        let package = file("model.mlpackage")
        let data = package.appendingPathComponent("Data/com.apple.CoreML", isDirectory: true)
        try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: package.appendingPathComponent("Manifest.json"))
        try Data("spec".utf8).write(to: data.appendingPathComponent("model.mlmodel"))
        // sha256sum of the two files' list, sorted by path, as `sha256sum` prints it.
        let expected = SHA256Digest.of(
            [("Data/com.apple.CoreML/model.mlmodel", "spec"), ("Manifest.json", "{}")]
                .map { "\(SHA256Digest.of($1.utf8))  \($0)\n" }.joined().utf8)
        try Data().write(to: package.appendingPathComponent(".DS_Store"))
        try Data().write(to: data.appendingPathComponent("._model.mlmodel"))
        #expect(try FileDigest.of(package) == expected)
        try write(artifact: ["file": .string("model.mlpackage"), "sha256": .string(expected)])
        #expect(try LevitBundle(opening: bundle).runtime == .coreML)
        try Data("spec!".utf8).write(to: data.appendingPathComponent("model.mlmodel"))
        #expect(refusal().hasPrefix("bundle: model.mlpackage has digest "))
    }

    private func file(_ name: String) -> URL { bundle.appendingPathComponent(name) }

    private func refusal() -> String { sentence { try LevitBundle(opening: bundle) } }

    private func write(artifact: [String: JSONValue] = [:]) throws {
        try SampleBundle.write(to: bundle, artifact: artifact)
    }
}
