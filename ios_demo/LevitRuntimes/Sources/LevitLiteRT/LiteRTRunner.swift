#if canImport(LiteRT)
    import Foundation
    import LevitMobileKit
    import LiteRT

    /// Runs a `.tflite` artifact with LiteRT's compiled model on exactly one accelerator.
    ///
    /// LiteRT given a set of accelerators falls back to the CPU without a word, so a set of one is given. LiteRT compares
    /// neither the type nor the size of what is written with the tensor; this class compares the contract with the tensors
    /// when it opens the artifact, and every image with the contract. Images and logits are copied into and out of LiteRT's
    /// own memory, without an array between.
    final class LiteRTRunner: ArtifactRunner {
        let accelerator: LevitMobileKit.Accelerator
        let threads: Int
        let notes: [String]
        var classes: Int { reader.classes }

        private let writer: TensorWriter
        private let reader: LogitsReader
        private var opened: OpenedLiteRT?

        /// Loads the artifact.
        ///
        /// - Throws: `NotAvailableError` if the device has no such accelerator. `InferenceError` if LiteRT refuses the
        ///   artifact, or its tensors are not those of the contract. `ImageError` if the contract's shapes are not those of
        ///   one image.
        init(_ bundle: LevitBundle, _ accelerator: LevitMobileKit.Accelerator, threads: Int) throws {
            writer = TensorWriter(try TensorFormat(bundle.contract.input))
            reader = try LogitsReader(bundle.contract.output)
            (self.accelerator, self.threads) = (accelerator, threads)
            let opened = try OpenedLiteRT(bundle, accelerator, threads)
            self.opened = opened
            notes = [
                accelerator == .cpu ? "LiteRT ran the artifact with XNNPACK on \(threads) CPU thread(s)" : opened.share
            ]
        }

        func write(_ pixels: [UInt8]) throws {
            let input = try use().input
            try input.locked(.write, "did not take the image") { try writer.write(pixels, into: $0) }
        }

        func run() throws {
            let opened = try use()
            try reporting("failed while it ran the artifact") {
                try opened.model.run(inputs: [opened.input], outputs: [opened.output])
            }
        }

        func read(into logits: inout [Float]) throws {
            let output = try use().output
            try output.locked(.read, "did not give the logits") {
                try reader.read(UnsafeRawBufferPointer($0), into: &logits)
            }
        }

        func close() {
            opened = nil
        }

        private func use() throws -> OpenedLiteRT {
            guard let opened else { throw InferenceError("the runner is closed") }
            return opened
        }
    }

    /// What LiteRT holds for one artifact. The buffers are freed before the model, and the model before its environment.
    private final class OpenedLiteRT {
        let input: TensorBuffer
        let output: TensorBuffer
        let model: CompiledModel

        init(_ bundle: LevitBundle, _ accelerator: LevitMobileKit.Accelerator, _ threads: Int) throws {
            let options = try liteRTOptions(accelerator, threads)
            do {
                model = try CompiledModel(
                    filePath: bundle.artifact.path, environment: Environment(), options: options)
            } catch {
                if accelerator == .cpu { throw InferenceError("LiteRT refuses the artifact: \(error)") }
                throw NotAvailableError("LiteRT cannot run the artifact on this device's GPU: \(error)")
            }
            (input, output) = try Self.buffers(model, bundle.contract)
        }

        /// What a timing record states about a run on the GPU.
        var share: String {
            let isWhole = (try? model.isFullyAccelerated()) ?? false
            return isWhole ? "LiteRT ran the whole artifact on the GPU" : "LiteRT ran a part of the artifact on the CPU"
        }

        private static func buffers(
            _ model: CompiledModel, _ contract: Contract
        ) throws -> (TensorBuffer, TensorBuffer) {
            try reporting("does not give the artifact's tensors") {
                let (inputs, outputs) = (try model.inputCount(), try model.outputCount())
                if inputs != 1 || outputs != 1 {
                    throw InferenceError(
                        "the artifact has \(inputs) inputs and \(outputs) outputs, expected one of each")
                }
                let (input, output) = (contract.input, contract.output)
                try require("input", model.getInputTensorType(inputIndex: 0), input.dtype.rawValue, input.shape)
                try require("output", model.getOutputTensorType(outputIndex: 0), output.dtype.rawValue, output.shape)
                return (try model.createInputBuffers()[0], try model.createOutputBuffers()[0])
            }
        }

        private static func require(_ role: String, _ found: TensorType, _ type: String, _ shape: [Int]) throws {
            if "\(found.elementType)" == type && found.layout.dimensions == shape { return }
            throw InferenceError(
                "the artifact's \(role) is \(found.elementType) \(found.layout.dimensions), "
                    + "and the contract states \(type) \(shape)")
        }
    }

    extension TensorBuffer {
        /// Hands over the tensor's memory.
        fileprivate func locked(
            _ mode: TensorBufferLockMode, _ what: String, _ use: (UnsafeMutableRawBufferPointer) throws -> Void
        ) throws {
            try reporting(what) {
                let memory = try lock(mode: mode)
                defer { try? unlock() }
                try use(UnsafeMutableRawBufferPointer(start: memory, count: size))
            }
        }
    }

    private func liteRTOptions(_ accelerator: LevitMobileKit.Accelerator, _ threads: Int) throws -> Options {
        try reporting("does not take the options") {
            let options = try Options()
            switch accelerator {
            case .gpu: try options.setHardwareAccelerators([.gpu])
            case .cpu:
                try options.setHardwareAccelerators([.cpu])
                try options.addOpaqueOptions(xnnpack(threads))
            case .neuralEngine:
                throw NotAvailableError(
                    "LiteRT artifacts run on the CPU or the GPU, and \(accelerator.rawValue) was asked for")
            }
            return options
        }
    }

    /// Options of LiteRT's CPU backend, in TOML. LiteRT frees the text.
    private func xnnpack(_ threads: Int) throws -> OpaqueOptions {
        guard let text = strdup("num_threads = \(threads)\n") else {
            throw InferenceError("the memory does not suffice")
        }
        return try OpaqueOptions(identifier: "xnnpack", payload: text, destructor: { free($0) })
    }

    /// Does a step of LiteRT; its error gets a sentence that states what failed.
    private func reporting<Result>(_ what: String, _ step: () throws -> Result) throws -> Result {
        do {
            return try step()
        } catch let error as LiteRtError {
            throw InferenceError("LiteRT \(what): \(error)")
        }
    }
#endif
