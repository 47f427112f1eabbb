#if canImport(LiteRT)
    import LevitMobileKit

    /// Loads `.tflite` artifacts with LiteRT's compiled model on the CPU or the GPU.
    public struct LiteRTLoader: ArtifactLoader {
        public let runtime = Runtime.litert

        /// Version of the LiteRT in the app.
        public let version: String

        /// - Parameter version: Version of the LiteRT that the app links; its Swift interface does not report it.
        public init(version: String = "2.3.0") {
            self.version = version
        }

        public func open(
            _ bundle: LevitBundle, _ accelerator: LevitMobileKit.Accelerator, threads: Int,
            isolation: isolated (any Actor)?
        ) async throws -> any ArtifactRunner {
            try bundle.requireLoadable(by: runtime, version: version, threads: threads)
            return try LiteRTRunner(bundle, accelerator, threads: threads)
        }
    }
#endif
