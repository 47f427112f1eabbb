import Foundation
import LevitMobileKit
import Testing

extension Runtimes {
    /// LevitClassifier on real artifacts.
    @Suite struct ClassifierTests {
        private let digit: RGBFrame
        private let pixels: [UInt8]

        init() throws {
            digit = try RGBFrame(TestBundles.digits()[0], width: 256, height: 256)
            pixels = try TestBundles.prepared()[0]
        }

        @Test(arguments: TestBundles.names)
        func aDigitGetsTheClassesOfPythonsLogits(_ name: String) async throws {
            let classifier = try await LevitClassifier(bundle: TestBundles.folder(name), loaders: loaders)
            #expect(classifier.check.verdict == .proven)
            #expect(classifier.accelerator == .cpu && classifier.threads == 1 && !classifier.notes.isEmpty)
            let found = try await classifier.classify(digit, k: 3)
            let bundle = classifier.bundle
            let logits = try TestBundles.expected(name)[0]
            let best = try TopClasses.of(logits, labels: bundle.labels, head: bundle.contract.output.head, k: 3)
            #expect(found.classes == best)
            #expect(found.inferenceMs > 0 && found.preprocessMs > 0)
            await classifier.close()
        }

        @Test func aClosedClassifierRefusesAndClosesTwice() async throws {
            let folder = try TestBundles.folder(TestBundles.execuTorch)
            let classifier = try await LevitClassifier(bundle: folder, loaders: loaders)
            await #expect(throws: InferenceError("k is 0, expected 1 or more")) {
                try await classifier.classify(digit, k: 0)
            }
            await classifier.close()
            await classifier.close()
            await #expect(throws: InferenceError("the classifier is closed")) { try await classifier.classify(digit) }
            let next = try await LevitClassifier(bundle: folder, threads: 2, loaders: loaders)
            #expect(next.threads == 2)
        }

        @Test(arguments: TestBundles.both)
        func anArtifactOutsideItsBoundsIsNotOpened(_ name: String) async throws {
            let copy = try CopiedBundle(name, change: part("tolerance", ["min_sqnr_db": 500]))
            do {
                _ = try await LevitClassifier(bundle: copy.folder, loaders: loaders)
                Issue.record("the broken bundle was opened")
            } catch let error as BrokenBundleError {
                #expect(error.name == name && error.check.verdict == .broken)
                #expect(error.description.hasPrefix("\(name) fails its self-check: SQNR is "))
                #expect(error.description.hasSuffix("expected at least 500 dB"))
            }
            let next = try await LevitClassifier(bundle: TestBundles.folder(name), threads: 2, loaders: loaders)
            #expect(next.check.mayBeTimed, "what the broken one held is free")
        }

        @Test func anAppWithoutTheRuntimeHearsWhatToAdd() async throws {
            for (name, product) in zip(TestBundles.both, ["LevitLiteRT", "LevitExecuTorch"]) {
                do {
                    _ = try await LevitClassifier(bundle: TestBundles.folder(name))
                    Issue.record("\(name) was opened without a loader")
                } catch let error as NotAvailableError {
                    #expect(error.description.contains("add the product \(product) to the app"))
                }
            }
        }

        @Test func aDamagedBundleIsNotOpened() async throws {
            let copy = try CopiedBundle(TestBundles.liteRT)
            try Data([0]).write(to: copy.folder.appendingPathComponent("labels.txt"))
            await #expect(throws: StoreError.self) {
                _ = try await LevitClassifier(bundle: copy.folder, loaders: loaders)
            }
        }

        @Test func aCancelledTaskOpensNothing() async throws {
            let folder = try TestBundles.folder(TestBundles.execuTorch)
            let opening = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await LevitClassifier(bundle: folder, loaders: loaders)
            }
            await #expect(throws: CancellationError.self) { try await opening.value }
        }

        @Test func manyCallsAtOnceGetTheLogitsOfTheirOwnImages() async throws {
            let folder = try TestBundles.folder(TestBundles.liteRT)
            let classifier = try await LevitClassifier(bundle: folder, loaders: loaders)
            let digits = try TestBundles.digits().prefix(8)
            let expected = try TestBundles.expected(TestBundles.liteRT).prefix(8)
            try await withThrowingTaskGroup(of: (Int, Float?).self) { group in
                for (place, digit) in digits.enumerated() {
                    let frame = try RGBFrame(digit, width: 256, height: 256)
                    group.addTask { (place, try await classifier.classify(frame, k: 1).classes.first?.logit) }
                }
                for try await (place, logit) in group { #expect(logit == expected[place].max()) }
            }
        }
    }
}
