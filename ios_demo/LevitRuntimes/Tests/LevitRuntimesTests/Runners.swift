import LevitExecuTorch
import LevitLiteRT
import LevitMobileKit

#if canImport(LiteRT)
    let loaders: [any ArtifactLoader] = [LiteRTLoader(), ExecuTorchLoader()]
#else
    let loaders: [any ArtifactLoader] = [ExecuTorchLoader()]
#endif

/// Owns a runner for one test; ExecuTorch's pool is shared, so the tests that use it run one after the other.
func withRunner<Result>(
    _ bundle: LevitBundle, _ accelerator: Accelerator = .cpu, threads: Int = 1,
    _ use: (any ArtifactRunner) throws -> Result
) async throws -> Result {
    let loader = try loaders.loader(of: bundle.runtime)
    let runner = try await loader.open(bundle, accelerator, threads: threads, isolation: nil)
    defer { runner.close() }
    return try use(runner)
}

/// The error that opening gives.
func refusal(
    _ bundle: LevitBundle, _ accelerator: Accelerator = .cpu, threads: Int = 1
) async -> any Error {
    do {
        try await withRunner(bundle, accelerator, threads: threads) { _ in }
        return NoError()
    } catch {
        return error
    }
}

struct NoError: Error {}
