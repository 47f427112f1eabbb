#if os(Linux)  // elsewhere, the modules are the vendors'
    import ExecuTorch
    import Foundation
    import LiteRT
    import Testing

    extension Runtimes {
        /// The twins have the vendors' sharp edges, so that a runner that runs into one fails here too.
        @Suite struct EdgesTests {
            private let shape = [1, 3, 224, 224]
            private let count = 3 * 224 * 224

            private func liteRT(_ accelerators: Set<LiteRT.Accelerator>) throws -> CompiledModel {
                let options = try Options()
                try options.setHardwareAccelerators(accelerators)
                let path = try TestBundles.open(TestBundles.liteRT).artifact.path
                return try CompiledModel(filePath: path, environment: Environment(), options: options)
            }

            @Test func liteRTHasNoGPUAndFallsBackOnlyWhereItMay() throws {
                #expect(throws: LiteRtError.compilation) { _ = try liteRT([.gpu]) }
                #expect(try liteRT([.gpu, .cpu]).inputCount() == 1)
            }

            @Test func liteRTTakesAShortArrayAndAnotherTypeWithoutAWord() throws {
                let input = try liteRT([.cpu]).createInputBuffers()[0]
                try input.write([Float](repeating: 1, count: count))
                try input.write([Float](repeating: 2, count: 10))
                try input.write([Int8](repeating: 0, count: 4))
                let kept: [Float] = try input.read()
                #expect(Array(kept[0..<2]) == [0, 2])
                #expect(Array(kept[9..<11]) == [2, 1])
                #expect(throws: LiteRtError.invalidArgument) {
                    try input.write([Float](repeating: 1, count: count + 1))
                }
            }

            @Test func anOutputOfExecuTorchIsTheNextCallsMemoryAndIsGoneWithTheModule() throws {
                let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
                defer { memory.deallocate() }
                memory.initialize(repeating: 0, count: count)
                let input = AnyTensor(bytesNoCopy: memory, shape: shape, dataType: .float)
                var module: Module? = Module(filePath: try TestBundles.open(TestBundles.execuTorch).artifact.path)
                let first = try #require(try module?.forward(input).first?.anyTensor)
                let before = logits(first)
                memory.initialize(repeating: 1, count: count)
                _ = try module?.forward(input)
                #expect(logits(first) != before)
                module = nil
                #expect(logits(first).count { $0.isNaN } == before.count)
            }

            @Test func makingAModuleReadsNothingAndLoadingReportsTheCode() throws {
                let nowhere = Module(filePath: "/nowhere.pte", loadMode: .mmap)
                #expect(code { try nowhere.load("forward") } == 34)
                let module = Module(
                    filePath: try TestBundles.open(TestBundles.execuTorch).artifact.path, loadMode: .mmap)
                #expect(code { try module.load("backward") } == 18)
                #expect(!module.isLoaded("forward"))
                try module.load("forward")
                #expect(module.isLoaded("forward"))
                #expect(try module.methodNames() == ["forward"])
            }

            @Test func aProgramThatIsCutShortHasTheCodeOfAnInvalidProgram() throws {
                let cut = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).pte")
                defer { try? FileManager.default.removeItem(at: cut) }
                try Data(contentsOf: TestBundles.open(TestBundles.execuTorch).artifact).prefix(3000).write(to: cut)
                #expect(code { try Module(filePath: cut.path, loadMode: .mmap).load("forward") } == 35)
            }

            private func logits(_ tensor: AnyTensor) -> [Float] {
                var found: [Float] = []
                tensor.bytes { pointer, count, _ in
                    found = (0..<count).map { pointer.load(fromByteOffset: 4 * $0, as: Float.self) }
                }
                return found
            }

            private func code(_ step: () throws -> Void) -> Int? {
                do {
                    try step()
                    return nil
                } catch {
                    return (error as NSError).code
                }
            }
        }
    }
#endif
