import Foundation
import Testing

@testable import LevitMobileKit

/// Gives the same logits for every image, or an error.
private final class FakeRunner: ArtifactRunner {
    let accelerator: Accelerator
    let threads: Int
    let classes = 3
    let notes = ["nothing was computed"]
    private let answer: Result<[Float], any Error>

    init(_ accelerator: Accelerator, _ threads: Int, _ answer: Result<[Float], any Error>) {
        (self.accelerator, self.threads, self.answer) = (accelerator, threads, answer)
    }

    func write(_ pixels: [UInt8]) throws { try ImageError.require(pixels.count == 27, "\(pixels.count) bytes") }

    /// Ends when the main actor has done something meanwhile, as a screen would.
    func run() throws {
        let done = DispatchSemaphore(value: 0)
        Task { @MainActor in done.signal() }
        if done.wait(timeout: .now() + 60) == .timedOut { throw InferenceError("the main actor had to wait") }
        _ = try answer.get()
    }

    func read(into logits: inout [Float]) throws { logits = try answer.get() }
    func close() {}
}

private struct FakeLoader: ArtifactLoader {
    var runtime = Runtime.executorch
    let version = "1.4.1"
    var answer: Result<[Float], any Error> = .success(SampleBundle.logits)

    func open(
        _ bundle: LevitBundle, _ accelerator: Accelerator, threads: Int, isolation: isolated (any Actor)?
    ) async throws -> any ArtifactRunner {
        FakeRunner(accelerator, threads, answer)
    }
}

@Suite("LevitClassifier")
struct ClassifierTests {
    private let folder: TemporaryFolder
    private var bundle: URL { folder.url.appendingPathComponent("bundle") }
    private let image: RGBFrame

    init() throws {
        folder = try TemporaryFolder()
        image = try RGBFrame([UInt8](repeating: 9, count: 27), width: 3, height: 3)
    }

    private func opened(_ answer: Result<[Float], any Error>) async throws -> LevitClassifier {
        try await LevitClassifier(
            bundle: bundle, accelerator: .gpu, threads: 2, loaders: [FakeLoader(answer: answer)])
    }

    @Test("A classifier states what it runs and how the golden images did")
    func facts() async throws {
        try SampleBundle.write(to: bundle)
        let classifier = try await opened(.success(SampleBundle.logits))
        #expect(classifier.bundle.labels == ["cat", "dog", "größer"])
        #expect(classifier.check.verdict == .proven && classifier.check.images == 1)
        #expect(classifier.accelerator == .gpu && classifier.threads == 2)
        #expect(classifier.notes == ["nothing was computed"])
    }

    @Test("The best classes come first, and no more than asked for")
    func best() async throws {
        try SampleBundle.write(to: bundle)
        let classifier = try await opened(.success(SampleBundle.logits))
        #expect(try await classifier.classify(image).classes.map(\.label) == ["cat", "größer", "dog"])
        let first = try await classifier.classify(image, orientation: .upright, k: 1)
        #expect(first.classes.map(\.logit) == [1])
        await #expect(throws: InferenceError("k is 0, expected 1 or more")) {
            try await classifier.classify(image, k: 0)
        }
    }

    @Test("The main actor goes on while a classifier is opened and while it works") @MainActor
    func mainActor() async throws {
        try SampleBundle.write(to: bundle)
        let classifier = try await opened(.success(SampleBundle.logits))
        #expect(try await classifier.classify(image).classes.count == 3)
    }

    @Test("A closed classifier throws, and closes twice")
    func closed() async throws {
        try SampleBundle.write(to: bundle)
        let classifier = try await opened(.success(SampleBundle.logits))
        await classifier.close()
        await classifier.close()
        await #expect(throws: InferenceError("the classifier is closed")) { try await classifier.classify(image) }
    }

    @Test("An artifact with other logits, or that fails, is broken")
    func broken() async throws {
        try SampleBundle.write(to: bundle)
        for answer in [Result<[Float], any Error>.success([-2, 1, 0.5]), .failure(InferenceError("it failed"))] {
            await #expect {
                _ = try await opened(answer)
            } throws: { error in
                let broken = error as? BrokenBundleError
                return broken?.name == "bundle" && broken?.check.verdict == .broken
                    && "\(error)".hasPrefix("bundle fails its self-check: ")
            }
        }
    }

    @Test("What the device lacks is not called broken")
    func lacking() async throws {
        try SampleBundle.write(to: bundle)
        await #expect(throws: NotAvailableError("no such kernel")) {
            _ = try await opened(.failure(NotAvailableError("no such kernel")))
        }
    }

    @Test("A bundle without golden images is opened, and its check states that nothing was compared")
    func unproven() async throws {
        try SampleBundle.write(to: bundle, golden: 0)
        let classifier = try await opened(.success([-2, 1, 0.5]))
        #expect(classifier.check.verdict == .notRun)
        #expect(classifier.check.reasons == ["the bundle holds no golden images"])
    }

    @Test("A runtime without a loader is named, with what the app must add")
    func noLoader() async throws {
        try SampleBundle.write(to: bundle)
        let sentence =
            "no loader for ExecuTorch artifacts: add the product LevitExecuTorch to the app and ExecuTorchLoader() to the "
            + "loaders"
        await #expect(throws: NotAvailableError(sentence)) {
            _ = try await LevitClassifier(bundle: bundle, loaders: [FakeLoader(runtime: .litert)])
        }
    }

    @Test("What is checked before a runtime sees the artifact")
    func loadable() throws {
        try SampleBundle.write(to: bundle, artifact: ["bytes": .integer(9)])
        let opened = try LevitBundle(opening: bundle)
        func refusal(_ runtime: Runtime = .executorch, _ version: String = "1.4.1", _ threads: Int = 1) -> String {
            sentence { try opened.requireLoadable(by: runtime, version: version, threads: threads) }
        }
        #expect(throws: Never.self) { try opened.requireLoadable(by: .executorch, version: "1.4.1", threads: 1) }
        #expect(refusal(.litert) == "bundle is not for LiteRT")
        #expect(refusal(.executorch, "1.4.1", 0) == "threads is 0, expected 1 or more")
        #expect(refusal(.executorch, "0.9.0").hasSuffix("the app has 0.9.0, expected 1.4 or 1.5"))
        try Data("shorter".utf8).write(to: opened.artifact)
        #expect(refusal() == "bundle: model.pte has 7 bytes, expected 9")
    }
}
