import Foundation
import LevitMobileKit
import Testing

@testable import LevitDemoModel

/// The app's bundles and classifiers over the Kit, with a runtime that is faked.
@Suite("FolderBundles and LibraryClassifiers")
struct LibraryTests {
    private let folder: SampleBundles

    init() throws {
        folder = try SampleBundles()
    }

    private func bundles(_ loaders: [any ArtifactLoader] = [FakeLoader()]) -> FolderBundles {
        FolderBundles(root: folder.root, loaders: loaders)
    }

    private func classifiers(_ loader: FakeLoader = FakeLoader()) -> LibraryClassifiers {
        LibraryClassifiers(catalog: bundles([loader]), loaders: [loader]) { _, _ in Sample.classification }
    }

    private func reason(_ work: () async throws -> some Any) async -> FailureReason? {
        do {
            _ = try await work()
            return nil
        } catch {
            return FailureReason(of: error)
        }
    }

    @Test("An app without an index has no bundle")
    func none() async throws {
        #expect(try await bundles().list().isEmpty)
        #expect(await reason { try await classifiers().open(Choice()) } == FailureReason(.noBundle))
        #expect(await reason { try await bundles().open("a") } == FailureReason(.noBundle))
    }

    @Test("A bundle is listed with its size, opened, checked and used")
    func used() async throws {
        try folder.write("a")
        let entry = try #require(try await bundles().list().first)
        #expect(entry.failure == nil)
        #expect(entry.accelerators == [.cpu])
        #expect(entry.hasThreads)
        let contract = folder.root.appendingPathComponent("a/contract.json")
        #expect(try entry.bytes == 9 + 13 + 27 + 12 + Data(contentsOf: contract).count)
        #expect(try await bundles().open("a").labels == Sample.labels)
        #expect(try await bundles().check(Choice(bundle: "a")).verdict == .proven)

        let classifier = try await classifiers().open(Choice(threads: 2))
        #expect(classifier.choice == Choice(bundle: "a", threads: 2))
        guard case .frame(let frame) = try Sample.frame else { return }
        #expect(try await classifier.classify(frame).classes.map(\.label) == ["cat", "bird", "dog"])
        #expect(try await classifier.classify(Data()) == Sample.classification)
        await classifier.close()
        await #expect(throws: InferenceError.self) { try await classifier.classify(frame) }
    }

    @Test("A chosen bundle that is gone gives way to the first one, on the CPU")
    func gone() async throws {
        try folder.write("a")
        let classifier = try await classifiers().open(Choice(bundle: "old", accelerator: .neuralEngine, threads: 4))
        #expect(classifier.choice == Choice(bundle: "a"))
        await classifier.close()
    }

    @Test("Wrong logits are a broken bundle: its figures are shown, and its results never")
    func broken() async throws {
        try folder.write("a")
        let wrong = FakeLoader(logits: [-1, 2, 0.5])
        let check = try await bundles([wrong]).check(Choice(bundle: "a"))
        #expect(check.verdict == .broken)
        let reason = try #require(await reason { try await classifiers(wrong).open(Choice(bundle: "a")) })
        #expect(reason == FailureReason(.brokenBundle, detail: check.reasons.joined(separator: "\n")))
        #expect(!reason.detail.isEmpty)
    }

    @Test("A file that differs from its digest is a damaged bundle")
    func damaged() async throws {
        try folder.write("a")
        try Data("x".utf8).write(to: folder.root.appendingPathComponent("a/labels.txt"))
        #expect(await reason { try await bundles().open("a") }?.code == .damagedBundle)
        #expect(await reason { try await classifiers().open(Choice()) }?.code == .damagedBundle)
        try Data("{".utf8).write(to: folder.root.appendingPathComponent("a/contract.json"))
        let entry = try #require(try await bundles().list().first)
        #expect(entry.failure?.code == .damagedBundle)
        #expect(entry.contract == nil)
    }

    @Test("A runtime that the app lacks is an unsupported bundle with the remedy")
    func unsupported() async throws {
        try folder.write("a")
        let failure = try #require(try await bundles([]).list().first?.failure)
        #expect(failure.code == .unsupportedBundle)
        #expect(failure.detail.contains("LevitExecuTorch"))
    }

    @Test("An accelerator that the device lacks and any other error have words of their own")
    func errors() async throws {
        try folder.write("a")
        let lacking = FakeLoader(failure: NotAvailableError("no GPU"))
        #expect(
            await reason { try await classifiers(lacking).open(Choice()) }
                == FailureReason(.noAccelerator, detail: "no GPU"))
        let strange = FakeLoader(failure: StrangeError())
        #expect(
            await reason { try await classifiers(strange).open(Choice()) }
                == FailureReason(.unexpected, detail: "a strange error"))
    }
}
