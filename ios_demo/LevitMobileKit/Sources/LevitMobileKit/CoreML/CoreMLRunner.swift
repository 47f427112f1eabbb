#if canImport(CoreML)
    import CoreML
    import CoreVideo
    import Foundation

    /// Runs a `.mlpackage` artifact with Core ML.
    ///
    /// The input's memory is made once: a picture's pixels, or a tensor. Core ML's own choice of threads stands.
    final class CoreMLRunner: ArtifactRunner {
        let accelerator: Accelerator
        let threads = 1
        let notes: [String]
        var classes: Int { reader.classes }

        private let input: CoreMLInput
        private let given: MLDictionaryFeatureProvider
        private let output: Output
        private let reader: LogitsReader
        private var model: MLModel?
        private var made: (any MLFeatureProvider)?

        /// - Throws: `NotAvailableError` if there is no memory for the input, `ImageError` if the contract's shapes are
        ///   not those of one image, and what Core ML reports.
        init(_ model: MLModel, _ contract: Contract, _ accelerator: Accelerator, notes: [String]) throws {
            (self.model, self.accelerator, self.notes, output) = (model, accelerator, notes, contract.output)
            input = try CoreMLInput(contract.input)
            given = try MLDictionaryFeatureProvider(dictionary: [contract.input.name: input.value])
            reader = try LogitsReader(contract.output)
        }

        /// What Core ML is asked for.
        static func configuration(_ accelerator: Accelerator) -> MLModelConfiguration {
            let configuration = MLModelConfiguration()
            configuration.computeUnits =
                switch accelerator {
                case .cpu: .cpuOnly
                case .gpu: .cpuAndGPU
                case .neuralEngine: .cpuAndNeuralEngine
                }
            return configuration
        }

        func write(_ pixels: [UInt8]) throws {
            _ = try opened()
            try input.write(pixels)
        }

        func run() throws {
            let model = try opened()
            do {
                made = try model.prediction(from: given)
            } catch {
                throw InferenceError("Core ML failed while it ran the artifact: \(error.localizedDescription)")
            }
        }

        func read(into logits: inout [Float]) throws {
            _ = try opened()
            guard let values = made?.featureValue(for: output.name)?.multiArrayValue else {
                throw InferenceError("the artifact gave no tensor \(output.name)")
            }
            guard values.count == classes, values.dataType == output.dtype.coreML else {
                throw InferenceError(
                    "the artifact gave \(values.count) values of type \(values.dataType.rawValue), "
                        + "expected \(classes) of \(output.dtype.rawValue)")
            }
            try values.withUnsafeBytes { bytes in
                try reader.read(UnsafeRawBufferPointer(rebasing: bytes.prefix(reader.bytes)), into: &logits)
            }
        }

        func close() {
            (model, made) = (nil, nil)
        }

        private func opened() throws -> MLModel {
            guard let model else { throw InferenceError("the runner is closed") }
            return model
        }
    }

    /// Memory of one input, and Core ML's view of it.
    private enum CoreMLInput {
        case picture(CVPixelBuffer, PixelWriter)
        case tensor(MLMultiArray, TensorWriter)

        init(_ input: Input) throws {
            if input.dtype == .image {
                try ImageError.requireSides(height: input.height, width: input.width)
                let writer = PixelWriter(height: input.height, width: input.width)
                self = .picture(try Self.buffer(writer), writer)
            } else {
                let writer = TensorWriter(try TensorFormat(input))
                let shape = input.shape.map { NSNumber(value: $0) }
                self = .tensor(try MLMultiArray(shape: shape, dataType: try input.dtype.coreML()), writer)
            }
        }

        var value: MLFeatureValue {
            switch self {
            case .picture(let buffer, _): MLFeatureValue(pixelBuffer: buffer)
            case .tensor(let array, _): MLFeatureValue(multiArray: array)
            }
        }

        func write(_ pixels: [UInt8]) throws {
            switch self {
            case .picture(let buffer, let writer):
                try locked(buffer) { bytes in
                    try writer.write(pixels, into: bytes, rowStride: CVPixelBufferGetBytesPerRow(buffer))
                }
            case .tensor(let array, let writer):
                try array.withUnsafeMutableBytes { bytes, _ in try writer.write(pixels, into: bytes) }
            }
        }

        private func locked(_ buffer: CVPixelBuffer, _ write: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
            CVPixelBufferLockBaseAddress(buffer, [])
            defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
            let bytes = CVPixelBufferGetBytesPerRow(buffer) * CVPixelBufferGetHeight(buffer)
            try write(UnsafeMutableRawBufferPointer(start: CVPixelBufferGetBaseAddress(buffer), count: bytes))
        }

        /// Surfaces are shared with the GPU and the Neural Engine without a copy.
        private static func buffer(_ writer: PixelWriter) throws -> CVPixelBuffer {
            let attributes = [kCVPixelBufferIOSurfacePropertiesKey as String: [String: Any]()] as CFDictionary
            var buffer: CVPixelBuffer?
            let status = CVPixelBufferCreate(
                nil, writer.width, writer.height, kCVPixelFormatType_32BGRA, attributes, &buffer)
            guard status == kCVReturnSuccess, let buffer else {
                throw NotAvailableError("there is no memory for a picture: CVPixelBufferCreate gave \(status)")
            }
            return buffer
        }
    }

    extension InputType {
        fileprivate func coreML() throws -> MLMultiArrayDataType {
            switch self {
            case .float32: .float32
            case .float16: .float16
            case .int8, .image: throw NotAvailableError("Core ML takes no input of type \(rawValue)")
            }
        }
    }

    extension OutputType {
        fileprivate var coreML: MLMultiArrayDataType? {
            switch self {
            case .float32: .float32
            case .float16: .float16
            case .int8: nil
            }
        }
    }
#endif
