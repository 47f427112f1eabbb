import Foundation
import LevitExecuTorch
import LevitLiteRT
import LevitMobileKit
import Testing

extension Runtimes {
    /// What the runners refuse, and in which words.
    @Suite struct RefusalsTests {
        @Test func aGPUThatIsNotThereIsNotReplacedByTheCPU() async throws {
            let error = await refusal(try TestBundles.open(TestBundles.liteRT), .gpu)
            #expect(
                error as? NotAvailableError
                    == NotAvailableError("LiteRT cannot run the artifact on this device's GPU: Compilation error"))
        }

        @Test func execuTorchHasNoGPUAndNeitherHasANeuralEngine() async throws {
            let program = try TestBundles.open(TestBundles.execuTorch)
            for accelerator in [Accelerator.gpu, .neuralEngine] {
                let error = try #require(await refusal(program, accelerator) as? NotAvailableError)
                #expect(error.description.contains("CPU only, and \(accelerator.rawValue) was asked for"))
            }
            let error = await refusal(try TestBundles.open(TestBundles.liteRT), .neuralEngine) as? NotAvailableError
            #expect(try #require(error).description.contains("neural-engine was asked for"))
        }

        @Test(arguments: TestBundles.both)
        func anImageOfAnotherSizeIsRefusedBeforeTheRuntimeSeesIt(_ name: String) async throws {
            let bundle = try TestBundles.open(name)
            let image = bundle.golden[0].pixels
            try await withRunner(bundle) { runner in
                let right = try runner.infer(image)
                for size in [0, 3, image.count - 1, image.count + 1] {
                    let short = [UInt8](repeating: 0, count: size)
                    #expect(throws: ImageError.self) { try runner.write(short) }
                }
                try runner.run()
                var again = [Float](repeating: 0, count: runner.classes)
                try runner.read(into: &again)
                #expect(again == right, "the input still holds the image before")
            }
        }

        @Test(arguments: TestBundles.both)
        func aTargetOfAnotherSizeGetsNoLogits(_ name: String) async throws {
            let bundle = try TestBundles.open(name)
            try await withRunner(bundle) { runner in
                _ = try runner.infer(bundle.golden[0].pixels)
                for size in [0, 9, 11] {
                    var target = [Float](repeating: 7, count: size)
                    #expect(throws: ImageError.self) { try runner.read(into: &target) }
                    #expect(target == [Float](repeating: 7, count: size))
                }
            }
        }

        @Test(arguments: TestBundles.both)
        func aClosedRunnerDoesNothingAndClosesTwice(_ name: String) async throws {
            let bundle = try TestBundles.open(name)
            let closed = InferenceError("the runner is closed")
            try await withRunner(bundle) { runner in
                _ = try runner.infer(bundle.golden[0].pixels)
                runner.close()
                runner.close()
                var logits = [Float](repeating: 0, count: 10)
                #expect(throws: closed) { try runner.write(bundle.golden[0].pixels) }
                #expect(throws: closed) { try runner.run() }
                #expect(throws: closed) { try runner.read(into: &logits) }
            }
        }

        @Test(arguments: TestBundles.both)
        func aFileThatIsCutOrGoneSinceTheBundleWasOpenedReachesNoRuntime(_ name: String) async throws {
            let copy = try CopiedBundle(name)
            let bundle = try LevitBundle(opening: copy.folder)
            let whole = try Data(contentsOf: bundle.artifact)
            try whole.prefix(3000).write(to: bundle.artifact)
            let cut = try #require(await refusal(bundle) as? StoreError)
            #expect(cut.description.contains("has 3000 bytes, expected \(whole.count)"))
            try FileManager.default.removeItem(at: bundle.artifact)
            let gone = try #require(await refusal(bundle) as? StoreError)
            #expect(gone.description.contains("has 0 bytes, expected"))
        }

        @Test(arguments: TestBundles.both)
        func aBundleWhoseFileIsCutOrSwappedIsNotOpened(_ name: String) throws {
            let cut = try CopiedBundle(name)
            let artifact = try cut.artifact
            try Data(contentsOf: artifact).prefix(3000).write(to: artifact)
            #expect(throws: StoreError.self) { try LevitBundle(opening: cut.folder) }
            let swapped = try CopiedBundle(name)
            let other = try TestBundles.open(name.replacingOccurrences(of: "fp32", with: "fp16")).artifact
            try Data(contentsOf: other).write(to: swapped.artifact)
            #expect(throws: StoreError.self) { try LevitBundle(opening: swapped.folder) }
        }

        @Test func aFileOfAnotherFormatIsRefusedInWords() async throws {
            for (name, other) in [TestBundles.both, TestBundles.both.reversed()].map({ ($0[0], $0[1]) }) {
                let stated = try TestBundles.open(other).contract.artifact
                let change = part("artifact", ["bytes": stated.bytes, "sha256": stated.sha256])
                let copy = try CopiedBundle(name, change: change)
                let place = copy.folder.appendingPathComponent(try TestBundles.open(name).contract.artifact.file)
                try Data(contentsOf: TestBundles.open(other).artifact).write(to: place)
                let error = await refusal(try LevitBundle(opening: copy.folder))
                let sentence = "\(try #require(error as? InferenceError))"
                #expect(sentence.contains("refuses the artifact"))
                #expect(name == TestBundles.liteRT || sentence.contains("damaged or made by a newer ExecuTorch"))
            }
        }

        @Test func anArtifactWithOtherTensorsThanTheContractsIsRefused() async throws {
            let integers = try CopiedBundle(TestBundles.liteRT, change: part("input", ["dtype": "int8"]))
            let error = await refusal(try LevitBundle(opening: integers.folder)) as? InferenceError
            #expect(
                try #require(error).description
                    == "the artifact's input is float32 [1, 224, 224, 3], and the contract states int8 [1, 224, 224, 3]"
            )
            let output = try CopiedBundle(TestBundles.execuTorch, change: part("output", ["dtype": "int8"]))
            let bundle = try LevitBundle(opening: output.folder)
            try await withRunner(bundle) { runner in
                try runner.write(bundle.golden[0].pixels)
                #expect(throws: InferenceError("the artifact gave 10 values of float32, expected 10 of int8")) {
                    try runner.run()
                }
            }
        }

        @Test func anInputOfAnotherTypeThanTheProgramsIsRefusedByExecuTorch() async throws {
            let halves = try CopiedBundle(TestBundles.execuTorch, change: part("input", ["dtype": "float16"]))
            let bundle = try LevitBundle(opening: halves.folder)
            try await withRunner(bundle) { runner in
                try runner.write(bundle.golden[0].pixels)
                #expect(throws: InferenceError("ExecuTorch failed while it ran the artifact: Invalid argument")) {
                    try runner.run()
                }
            }
            let last = try CopiedBundle(
                TestBundles.execuTorch, change: part("input", ["memory_order": "channels last"]))
            let error = await refusal(try LevitBundle(opening: last.folder)) as? NotAvailableError
            #expect(try #require(error).description.contains("channels come last"))
        }

        @Test func anArtifactOfAnotherVersionIsNotLoaded() async throws {
            for (name, package, version) in [
                (TestBundles.execuTorch, "executorch", "1.5.0"), (TestBundles.liteRT, "ai-edge-litert", "3.0.0"),
            ] {
                let newer = try CopiedBundle(name, change: part("artifact", ["toolchain": [package: version]]))
                let error = await refusal(try LevitBundle(opening: newer.folder)) as? NotAvailableError
                #expect(try #require(error).description.contains("\(version), and the app has"))
            }
        }

        @Test func openExecuTorchArtifactsShareOneNumberOfThreads() async throws {
            let bundle = try TestBundles.open(TestBundles.execuTorch)
            let pixels = bundle.golden[0].pixels
            let loader = ExecuTorchLoader()
            let one = try await loader.open(bundle, .cpu, threads: 1, isolation: nil)
            let right = try one.infer(pixels)
            let error = await refusal(bundle, threads: 2) as? NotAvailableError
            #expect(try #require(error).description.contains("one thread pool per process"))
            #expect(try await withRunner(bundle) { try $0.infer(pixels) } == right)
            #expect(try one.infer(pixels) == right)
            one.close()
            #expect(try await withRunner(bundle, threads: 2) { $0.threads } == 2)
        }

        @Test(arguments: TestBundles.both)
        func noThreadsAreRefused(_ name: String) async throws {
            let error = await refusal(try TestBundles.open(name), threads: 0)
            #expect(error as? InferenceError == InferenceError("threads is 0, expected 1 or more"))
        }

        @Test func aLoaderRefusesTheOtherRuntimesArtifact() async throws {
            for (name, loader) in zip(TestBundles.both, loaders.reversed()) {
                let bundle = try TestBundles.open(name)
                await #expect(throws: InferenceError("\(name) is not for \(loader.runtime.title)")) {
                    _ = try await loader.open(bundle, .cpu, threads: 1, isolation: nil)
                }
            }
        }

        @Test func theNotesStateWhatARecordNeeds() async throws {
            let lite = try await withRunner(TestBundles.open(TestBundles.liteRT), threads: 2) { $0.notes }
            #expect(lite == ["LiteRT ran the artifact with XNNPACK on 2 CPU thread(s)"])
            let program = try await withRunner(TestBundles.open(TestBundles.execuTorch)) { $0.notes }
            #expect(program.count == 2 && program[1].contains("a pool of 1 thread(s)"))
        }
    }
}
