import Foundation
import Testing

@testable import LevitDemoModel
@testable import LevitMobileKit

/// Values that the tests show on screens.
enum Sample {
    static let repository = URL(
        fileURLWithPath: URL(fileURLWithPath: #filePath).pathComponents.dropLast(5).joined(separator: "/"))
    static let labels = ["cat", "dog", "bird"]
    static let logits: [Float] = [1, -2, 0.5]

    static var classes: [ClassScore] {
        (try? TopClasses.of(logits, labels: labels, head: .softmax, k: 3)) ?? []
    }

    static var classification: Classification {
        Classification(classes: classes, preprocessMs: 1, inferenceMs: 2)
    }

    static var frame: CameraEvent {
        get throws {
            let pixels = try RGBFrame([UInt8](repeating: 0, count: 12), width: 2, height: 2)
            return .frame(CameraFrame(pixels: pixels, orientation: .upright))
        }
    }

    /// A contract whose artifact has this name.
    static func contract(_ file: String = "model.tflite") -> Contract {
        var contract = Contract()
        contract.artifact.file = file
        contract.artifact.sha256 = String(repeating: "5", count: 64)
        return contract
    }

    static func entry(_ name: String, _ file: String = "model.pte", failure: FailureReason? = nil) -> BundleEntry {
        BundleEntry(name: name, bytes: 12_345, contract: contract(file), failure: failure)
    }

    static func timing(_ name: String, _ samples: [Double] = [2, 2, 2], _ change: (inout Timing) -> Void = { _ in })
        -> Timing
    {
        var parity = Parity(verdict: .proven)
        parity.pictures = 1
        var timing = Timing(
            name: name, contract: contract(), runtime: .litert, runtimeVersion: "2.1.0", accelerator: "xnnpack",
            parity: parity)
        (timing.samplesMs, timing.threads) = (samples, 1)
        change(&timing)
        return timing
    }

    static func record(_ timings: [Timing]) -> TimingRecord {
        let device = Device(model: "iPhone16,1", soc: "A17", os: "iOS", osVersion: "18", osBuild: "22A", cores: 6)
        return TimingRecord(
            app: AppVersion(name: "demo", version: "1"), startedAt: "2026-01-31T12:00:00Z", device: device,
            before: Conditions(), after: Conditions(), interleaved: true, timings: timings)
    }
}

/// A small bundle in a folder with an index, as `levit-mobile deploy` writes it.
final class SampleBundles: Sendable {
    let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("levit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: root)
    }

    /// Writes a bundle for ExecuTorch and the index that names it.
    func write(_ name: String) throws {
        let folder = root.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let parts = [
            "model.pte": Data(count: 9), "labels.txt": Data((Sample.labels.joined(separator: "\n") + "\n").utf8),
            "picture.rgb8": Data(0..<27), "picture.f32": Sample.logits.withUnsafeBytes { Data($0) },
        ]
        for (file, content) in parts { try content.write(to: folder.appendingPathComponent(file)) }
        let contract = Data(try self.contract(parts).utf8)
        try contract.write(to: folder.appendingPathComponent("contract.json"))
        let files = try parts.merging(["contract.json": contract]) { $1 }.map {
            try IndexedFile($0, bytes: $1.count, sha256: SHA256Digest.of($1))
        }
        let index = try BundleIndex([IndexedBundle(name, files)]).write()
        try Data(index.utf8).write(to: root.appendingPathComponent("index.json"))
    }

    private func contract(_ parts: [String: Data]) throws -> String {
        let complete = Sample.repository.appendingPathComponent("testdata/contracts/complete.json")
        var contract = try Contract.read(String(contentsOf: complete, encoding: .utf8))
        func digest(_ file: String) -> String { SHA256Digest.of(parts[file] ?? Data()) }
        contract.artifact.file = "model.pte"
        contract.artifact.sha256 = digest("model.pte")
        contract.artifact.bytes = 9
        contract.artifact.toolchain = [:]
        contract.output.labelsFile = "labels.txt"
        contract.output.labelsSHA256 = digest("labels.txt")
        contract.input.shape = [1, 3, 3, 3]
        contract.preprocessing.mode = .squash
        (contract.preprocessing.height, contract.preprocessing.width) = (3, 3)
        (contract.preprocessing.cropHeight, contract.preprocessing.cropWidth) = (3, 3)
        (contract.golden[0].rgb8File, contract.golden[0].rgb8SHA256) = ("picture.rgb8", digest("picture.rgb8"))
        (contract.golden[0].logitsFile, contract.golden[0].logitsSHA256) = ("picture.f32", digest("picture.f32"))
        return try contract.write()
    }
}

/// Loads any ExecuTorch artifact and gives the same logits for every image.
struct FakeLoader: ArtifactLoader {
    let runtime = LevitMobileKit.Runtime.executorch
    let version = "1.0.0"
    var logits = Sample.logits
    var failure: (any Error)?

    func open(
        _ bundle: LevitBundle, _ accelerator: Accelerator, threads: Int, isolation: isolated (any Actor)?
    ) async throws -> any ArtifactRunner {
        if let failure { throw failure }
        return FakeArtifactRunner(accelerator, threads, logits)
    }
}

private final class FakeArtifactRunner: ArtifactRunner {
    let accelerator: Accelerator
    let threads: Int
    let notes: [String] = []
    private let logits: [Float]
    var classes: Int { logits.count }

    init(_ accelerator: Accelerator, _ threads: Int, _ logits: [Float]) {
        (self.accelerator, self.threads, self.logits) = (accelerator, threads, logits)
    }

    func write(_ pixels: [UInt8]) throws {}
    func run() throws {}
    func read(into logits: inout [Float]) throws { logits = self.logits }
    func close() {}
}
