import LevitMobileKit
import Testing

extension Runtimes {
    /// Every recipe of TFLite and ExecuTorch, on the real runtime: golden images, and Python's logits of the same artifact.
    @Suite struct RecipesTests {
        @Test func allRecipesAreHere() {
            #expect(TestBundles.names.count { $0.contains("-tflite-") } >= 7)
            #expect(TestBundles.names.count { $0.contains("-executorch-") } >= 6)
        }

        @Test(arguments: TestBundles.names)
        func theGoldenImagesHoldTheTolerance(_ name: String) async throws {
            let bundle = try TestBundles.open(name)
            let contract = bundle.contract
            let runner = try await loaders.loader(of: bundle.runtime).open(bundle, .cpu, threads: 1, isolation: nil)
            let result = try await SelfCheck.run(bundle.golden, contract.tolerance, contract.output.head) {
                try runner.infer($0)
            }
            runner.close()
            #expect(result.reasons.isEmpty)
            #expect(result.verdict == .proven)
            #expect(result.images == contract.golden.count)
        }

        /// Both run the same kernels of the same version on one thread, so the logits are equal to the last bit.
        @Test(arguments: TestBundles.names)
        func sixtyFourDigitsGetPythonsLogits(_ name: String) async throws {
            let expected = try TestBundles.expected(name)
            let prepared = try TestBundles.prepared()
            let found = try await withRunner(TestBundles.open(name)) { runner in try prepared.map(runner.infer) }
            #expect(found.count == 64)
            #expect(found.map { $0.map(\.bitPattern) } == expected.map { $0.map(\.bitPattern) })
        }

        @Test(arguments: TestBundles.both)
        func digitsArePreparedAsPythonPreparesThem(_ name: String) throws {
            var preprocessor = try Preprocessor(TestBundles.open(name).contract)
            for (whole, prepared) in zip(try TestBundles.digits(), try TestBundles.prepared()).prefix(8) {
                try preprocessor.prepare(RGBFrame(whole, width: 256, height: 256))
                #expect(preprocessor.pixels == prepared)
            }
        }

        @Test(arguments: TestBundles.names)
        func theSameImageGivesTheSameLogitsWhateverCameBetween(_ name: String) async throws {
            let bundle = try TestBundles.open(name)
            let images = bundle.golden.map(\.pixels)
            try await withRunner(bundle) { runner in
                let once = try runner.infer(images[0])
                #expect(try runner.infer(images[1]) != once)
                #expect(try runner.infer(images[0]) == once)
            }
        }
    }
}
