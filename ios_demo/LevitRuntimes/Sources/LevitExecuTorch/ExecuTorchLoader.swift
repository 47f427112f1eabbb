#if canImport(ExecuTorch)
    import LevitMobileKit

    /// Loads `.pte` artifacts with ExecuTorch on the CPU.
    ///
    /// The app's target needs the linker flag `-all_load`: without it the linker drops ExecuTorch's kernels and its XNNPACK
    /// backend, and no artifact can be loaded.
    public struct ExecuTorchLoader: ArtifactLoader {
        public let runtime = Runtime.executorch

        /// Version of the package that this one is built with.
        public let version = "1.4.1"

        public init() {}

        public func open(
            _ bundle: LevitBundle, _ accelerator: Accelerator, threads: Int, isolation: isolated (any Actor)?
        ) async throws -> any ArtifactRunner {
            guard accelerator == .cpu else {
                throw NotAvailableError(
                    "ExecuTorch artifacts run on the CPU only, and \(accelerator.rawValue) was asked for")
            }
            try bundle.requireLoadable(by: runtime, version: version, threads: threads)
            return try ExecuTorchRunner(bundle, threads: threads)
        }
    }
#endif
