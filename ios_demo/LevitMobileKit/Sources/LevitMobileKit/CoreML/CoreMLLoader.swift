#if canImport(CoreML)
    import CoreML
    import Foundation

    /// Loads `.mlpackage` artifacts with Core ML on the CPU, the GPU or the Neural Engine.
    ///
    /// A package is compiled once per device and build of the system, before it is loaded. `prepare` does so ahead of
    /// time, and lets Core ML specialize the model for its accelerator: that takes seconds to minutes on the first load,
    /// and must not be counted as an inference.
    public struct CoreMLLoader: ArtifactLoader {
        public let runtime = Runtime.coreML
        public let version = systemVersion

        private let models: CompiledModels

        /// - Parameter cache: Folder of the compiled models; one in Application Support if it is nil.
        public init(cache: URL? = nil) {
            let support = FileManager.default.urls(for: .applicationSupportDirectory, in: .userDomainMask)[0]
            models = CompiledModels(
                root: cache ?? support.appendingPathComponent("LevitMobileKit/compiled"), build: systemBuild)
        }

        public func open(
            _ bundle: LevitBundle, _ accelerator: Accelerator, threads: Int, isolation: isolated (any Actor)?
        ) async throws -> any ArtifactRunner {
            if threads != 1 {
                throw InferenceError("threads is \(threads), expected 1: Core ML chooses its own threads")
            }
            try bundle.requireLoadable(by: runtime, version: version, threads: threads)
            let compiled = try await compiled(bundle)
            let model = try await loaded(compiled, accelerator, bundle.contract.artifact.sha256)
            let asked = accelerator.computeUnits.rawValue
            var notes = ["Core ML was asked for \(asked); it chooses the unit of each operation"]
            if let took = compiled.compileMs {
                notes.append("Core ML compiled the package in \(Int(took.rounded())) ms before it was loaded")
            }
            notes += await Self.plan(compiled.place, accelerator)
            return try CoreMLRunner(model, bundle.contract, accelerator, notes: notes)
        }

        /// The planned share in one sentence; empty on a system that does not state it.
        private static func plan(_ compiled: URL, _ accelerator: Accelerator) async -> [String] {
            guard #available(iOS 17.4, macOS 14.4, *) else { return [] }
            let plan = try? await PlannedShare.read(compiled, accelerator)
            return (plan?.sentence).map { [$0] } ?? []
        }

        /// Compiles a bundle's package and loads it once, so that later loads find what Core ML keeps about it.
        ///
        /// - Returns: Milliseconds of both.
        /// - Throws: As `open` does.
        public func prepare(_ bundle: LevitBundle, _ accelerator: Accelerator) async throws -> Double {
            let start = ContinuousClock.now
            try await open(bundle, accelerator, threads: 1, isolation: nil).close()
            return milliseconds(since: start)
        }

        private func compiled(_ bundle: LevitBundle) async throws -> CompiledModels.Model {
            do {
                return try await models.model(sha256: bundle.contract.artifact.sha256) {
                    try await MLModel.compileModel(at: bundle.artifact)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                throw InferenceError("Core ML cannot compile the artifact: \(error.localizedDescription)")
            }
        }

        private func loaded(
            _ compiled: CompiledModels.Model, _ accelerator: Accelerator, _ sha256: String
        ) async throws -> sending MLModel {
            do {
                return try await MLModel.load(
                    contentsOf: compiled.place, configuration: CoreMLRunner.configuration(accelerator))
            } catch let error as CancellationError {
                throw error
            } catch {
                models.remove(sha256: sha256)
                throw InferenceError("Core ML refuses the artifact: \(error.localizedDescription)")
            }
        }
    }
#endif
