import Foundation
import LevitExecuTorch
import LevitLiteRT
import LevitMobileKit
import Testing

@testable import LevitDemoModel
@testable import LevitMobileKit

enum RealBundles {
    static let source = ProcessInfo.processInfo.environment["LEVIT_BUNDLES"].map { URL(fileURLWithPath: $0) }
    static let names = ["levit_128s-executorch-fp32", "levit_128s-tflite-fp32"]
}

/// The models over real artifacts. The environment variable `LEVIT_BUNDLES` names the folder of
/// `android_demo/tools/write_bundles.py`.
@MainActor
@Suite("Real bundles", .serialized, .enabled(if: RealBundles.source != nil, "LEVIT_BUNDLES names no bundles"))
struct RealBundleTests {
    private let folder: SampleBundles
    private let bundles: FolderBundles
    private let loaders: [any ArtifactLoader] = [ExecuTorchLoader(), LiteRTLoader()]

    init() throws {
        folder = try SampleBundles()
        bundles = FolderBundles(root: folder.root, loaders: loaders)
        let root = folder.root
        let source = try #require(RealBundles.source)
        let index = try RealBundles.names.map { name in
            let from = source.appendingPathComponent(name)
            try FileManager.default.createSymbolicLink(
                at: root.appendingPathComponent(name), withDestinationURL: from)
            let file = try IndexedFile("contract.json", bytes: 1, sha256: String(repeating: "5", count: 64))
            return try IndexedBundle(name, [file])
        }
        try Data(BundleIndex(index).write().utf8).write(to: folder.root.appendingPathComponent("index.json"))
    }

    /// The first held-out digit, 256 x 256 pixels, and the label that Python's run of the artifact gives it.
    private func digit(_ name: String) throws -> (frame: CameraFrame, label: String) {
        let top = try #require(RealBundles.source).deletingLastPathComponent()
        let bytes = try Data(contentsOf: top.appendingPathComponent("digits.rgb8")).prefix(256 * 256 * 3)
        let logits = try Data(contentsOf: top.appendingPathComponent("expected/\(name).f32")).prefix(4 * 10)
        let values = [UInt8](logits).withUnsafeBytes { memory in
            (0..<10).map { memory.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        let bundle = try LevitBundle(opening: folder.root.appendingPathComponent(name))
        let best = try TopClasses.of(values, labels: bundle.labels, head: .softmax, k: 1)
        let frame = try RGBFrame([UInt8](bytes), width: 256, height: 256)
        return (CameraFrame(pixels: frame, orientation: .upright), best[0].label)
    }

    @Test("The camera screen shows the class that Python's run gives", arguments: RealBundles.names)
    func camera(name: String) async throws {
        let digit = try digit(name)
        let classifiers = LibraryClassifiers(catalog: bundles, loaders: loaders) { _, _ in Sample.classification }
        let model = CameraModel(
            classifiers: classifiers, camera: FakeCamera(script: [.frame(digit.frame), .frame(digit.frame)]))
        await model.run(Choice(bundle: name))
        let result = try #require(model.state.value)
        #expect(result.classification.classes.first?.label == digit.label)
        #expect(result.classification.classes.count == 5)
        #expect(result.classification.inferenceMs > 0)
        #expect(result.choice == Choice(bundle: name))
    }

    @Test("The bundle screen lists, opens and proves it", arguments: RealBundles.names)
    func page(name: String) async throws {
        let model = BundlesModel(catalog: bundles, selection: Selection())
        await model.list()
        await model.open(name)
        #expect(model.entry?.failure == nil)
        let bundle = try #require(model.detail.value)
        #expect(bundle.labels.count == 10)
        await model.runCheck()
        let check = try #require(model.check.value)
        #expect(check.verdict == .proven)
    }

    @Test("An accelerator that the runtime does not have is named", arguments: RealBundles.names)
    func accelerator(name: String) async {
        let model = BundlesModel(catalog: bundles, selection: Selection())
        await model.open(name)
        model.run(on: .neuralEngine)
        await model.runCheck()
        #expect(model.check.failure?.code == .noAccelerator)
    }

    @Test("The benchmark screen times them, and its record is the file that it shares")
    func benchmark() async throws {
        let runner = SessionBenchmark(
            app: AppVersion(name: "demo", version: "1"), bundles: bundles, loaders: loaders, facts: FakeFacts(),
            host: HostFolder(documents: folder.root), marker: RunMarker(folder.root))
        let model = BenchmarkModel(catalog: bundles, runner: runner)
        await model.load()
        model.start(TimingPlan(steps: RealBundles.names.map { TimingStep($0) }, rounds: 3, warmupRounds: 1))
        await model.wait()
        let rows = try #require(model.state.value)
        #expect(Set(rows.rows.map(\.name)) == Set(RealBundles.names.map { "\($0)-cpu1" }))
        #expect(rows.rows.map(\.outcome) == [.timed, .timed])
        #expect(rows.rows.first?.ratio == 1)
        let file = try #require(rows.record)
        let record = try TimingRecord.read(String(contentsOf: file, encoding: .utf8))
        #expect(record.timings.map(\.samplesMs.count) == [3, 3])
        #expect(record.incomplete == nil)
        #expect(await runner.takeDied() == nil)
    }
}
