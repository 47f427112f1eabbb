#if canImport(ExecuTorch)
    import ExecuTorch
    import Foundation
    import LevitMobileKit

    /// Runs a `.pte` artifact with ExecuTorch on the CPU.
    ///
    /// The file is mapped into memory instead of copied. ExecuTorch's outputs are views of its own memory, which the next
    /// call overwrites and closing frees, so `run` copies the logits before it returns. The input is one piece of memory,
    /// which ExecuTorch reads in place.
    ///
    /// ExecuTorch has one thread pool per process: all artifacts that are open at the same time have the same number of
    /// threads. An app that uses ExecuTorch for other models must not run them while an artifact is opened.
    final class ExecuTorchRunner: ArtifactRunner {
        let accelerator = Accelerator.cpu
        let threads: Int
        let notes: [String]
        var classes: Int { reader.classes }

        private let writer: TensorWriter
        private let reader: LogitsReader
        private let input: InputTensor
        private let outputType: DataType
        private var output: [UInt8]
        private var module: Module?

        private static let method = "forward"

        /// Loads the artifact.
        ///
        /// - Throws: `NotAvailableError` if the app's ExecuTorch lacks a backend or operator of the artifact, the runner
        ///   cannot hand over its type of input, or an open artifact uses another number of threads. `InferenceError` if
        ///   ExecuTorch refuses the artifact. `ImageError` if the contract's shapes are not those of one image.
        init(_ bundle: LevitBundle, threads: Int) throws {
            let contract = bundle.contract
            writer = TensorWriter(try Self.format(contract.input))
            reader = try LogitsReader(contract.output)
            input = InputTensor(writer.format, shape: contract.input.shape)
            outputType = DataType(contract.output.dtype)
            output = [UInt8](repeating: 0, count: reader.bytes)
            self.threads = threads
            notes = [
                "ExecuTorch mapped the artifact's file into memory",
                "ExecuTorch ran the artifact with a pool of \(threads) thread(s), which the whole process shares",
            ]
            module = try ThreadPool.shared.reserving(threads) {
                try reporting("refuses the artifact") {
                    let module = Module(filePath: bundle.artifact.path, loadMode: .mmap)
                    try module.load(Self.method)
                    return module
                }
            }
        }

        deinit { close() }

        func write(_ pixels: [UInt8]) throws {
            _ = try opened()
            try writer.write(pixels, into: input.bytes)
        }

        func run() throws {
            let module = try opened()
            let inputs: [ValueConvertible] = [input.tensor]
            let outputs: [Value] = try reporting("failed while it ran the artifact") { try module.forward(inputs) }
            try copy(outputs)
        }

        func read(into logits: inout [Float]) throws {
            _ = try opened()
            try output.withUnsafeBytes { try reader.read($0, into: &logits) }
        }

        func close() {
            guard module != nil else { return }
            module = nil
            ThreadPool.shared.release()
        }

        private func opened() throws -> Module {
            guard let module else { throw InferenceError("the runner is closed") }
            return module
        }

        private func copy(_ outputs: [Value]) throws {
            guard outputs.count == 1, let tensor = outputs[0].anyTensor else {
                throw InferenceError("the artifact gave \(outputs.count) outputs, expected one tensor of logits")
            }
            guard tensor.dataType == outputType, tensor.count == classes else {
                throw InferenceError(
                    "the artifact gave \(tensor.count) values of \(tensor.dataType.title), "
                        + "expected \(classes) of \(outputType.title)")
            }
            tensor.bytes { pointer, _, _ in
                let found = UnsafeRawBufferPointer(start: pointer, count: output.count)
                output.withUnsafeMutableBytes { $0.copyMemory(from: found) }
            }
        }

        private static func format(_ input: Input) throws -> TensorFormat {
            let format = try TensorFormat(input)
            if format.channelsLast && input.layout == .nchw {
                throw NotAvailableError("ExecuTorchRunner takes no input whose channels come last in memory")
            }
            return format
        }
    }

    /// Memory of the input, and ExecuTorch's view of it.
    private final class InputTensor {
        let bytes: UnsafeMutableRawBufferPointer
        let tensor: AnyTensor

        init(_ format: TensorFormat, shape: [Int]) {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: format.bytes, alignment: 64)
            bytes = UnsafeMutableRawBufferPointer(start: memory, count: format.bytes)
            tensor = AnyTensor(bytesNoCopy: memory, shape: shape, dataType: DataType(format.type))
        }

        deinit { bytes.deallocate() }
    }
#endif
