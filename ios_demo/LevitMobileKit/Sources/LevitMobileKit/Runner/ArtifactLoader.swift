import Foundation

/// Loads artifacts of one runtime.
///
/// `CoreMLLoader` is in `LevitMobileKit`, where Core ML exists. `ExecuTorchLoader` is in the product `LevitExecuTorch`
/// and `LiteRTLoader` in `LevitLiteRT`, so that an app links only the runtimes that it uses.
public protocol ArtifactLoader: Sendable {
    /// Runtime whose artifacts it loads.
    var runtime: Runtime { get }

    /// Version of the runtime in the app; that of iOS for Core ML.
    var version: String { get }

    /// Loads a bundle's artifact. This takes as long as reading the file and compiling it for the accelerator.
    ///
    /// - Parameters:
    ///   - bundle: What to run.
    ///   - accelerator: Where to run it; nothing else is tried if it cannot.
    ///   - threads: Number of CPU threads, 1 or more.
    ///   - isolation: The actor that will own the runner. It is busy meanwhile, so it must not be the main actor.
    /// - Throws: `NotAvailableError` if the device lacks the accelerator, or the runtime is too old or too new for the
    ///   artifact. `InferenceError` if the runtime refuses the artifact. `StoreError` if the artifact has changed since
    ///   the bundle was opened.
    func open(
        _ bundle: LevitBundle, _ accelerator: Accelerator, threads: Int, isolation: isolated (any Actor)?
    ) async throws -> any ArtifactRunner
}

extension [any ArtifactLoader] {
    /// The loaders that need no further product: Core ML's on Apple's systems, none elsewhere.
    public static var standard: [any ArtifactLoader] {
        #if canImport(CoreML)
            [CoreMLLoader()]
        #else
            []
        #endif
    }

    /// The loader of a runtime.
    ///
    /// - Throws: `NotAvailableError` if there is none, with what an app must add.
    public func loader(of runtime: Runtime) throws -> any ArtifactLoader {
        if let found = first(where: { $0.runtime == runtime }) { return found }
        let remedy =
            switch runtime {
            case .coreML: "Core ML exists on Apple's systems only"
            case .executorch: "add the product LevitExecuTorch to the app and ExecuTorchLoader() to the loaders"
            case .litert: "add the product LevitLiteRT to the app and LiteRTLoader() to the loaders"
            }
        throw NotAvailableError("no loader for \(runtime.title) artifacts: \(remedy)")
    }
}

extension LevitBundle {
    /// Checks what can be checked before a runtime sees the artifact.
    ///
    /// LiteRT does not verify a file: one that is cut short ends the whole process. The digest was compared when the
    /// bundle was opened; the size of a file is compared again here, because that costs nothing.
    ///
    /// - Parameters:
    ///   - runtime: What shall load it.
    ///   - version: Version of the runtime in the app.
    ///   - threads: Number of CPU threads.
    /// - Throws: `NotAvailableError` if that version does not load it, `StoreError` if the artifact is missing or has
    ///   another size, `InferenceError` if the artifact is for another runtime or `threads` is below 1.
    public func requireLoadable(by runtime: Runtime, version: String, threads: Int) throws {
        let name = folder.lastPathComponent
        if threads < 1 { throw InferenceError("threads is \(threads), expected 1 or more") }
        if self.runtime != runtime { throw InferenceError("\(name) is not for \(runtime.title)") }
        if let reason = runtime.refuses(contract, version: version) { throw NotAvailableError(reason) }
        let stated = contract.artifact
        let attributes = try? FileManager.default.attributesOfItem(atPath: artifact.path)
        if attributes?[.type] as? FileAttributeType == .typeDirectory { return }
        let bytes = (attributes?[.size] as? NSNumber)?.intValue ?? 0
        if bytes != stated.bytes {
            throw StoreError.damaged("\(name): \(stated.file) has \(bytes) bytes, expected \(stated.bytes)")
        }
    }
}
