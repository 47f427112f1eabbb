import Foundation
import LevitMobileKit

/// One bundle of the app.
struct BundleEntry: Sendable, Identifiable {
    /// Name of its folder.
    let name: String
    /// Size of all its files in bytes.
    let bytes: Int
    /// Its contract; nil where it cannot be read.
    let contract: Contract?
    /// Why the app cannot run it; nil if it can.
    var failure: FailureReason?

    var id: String { name }

    /// Where the bundle may run, whether or not this device has it.
    var accelerators: [Accelerator] {
        switch contract.flatMap(Runtime.init(of:)) {
        case .coreML: [.cpu, .gpu, .neuralEngine]
        case .executorch, .litert, nil: [.cpu]
        }
    }

    /// Whether the number of CPU threads can be chosen; Core ML chooses by itself.
    var hasThreads: Bool { contract.flatMap(Runtime.init(of:)) != .coreML }
}

/// The bundles that were deployed into the app.
protocol BundleCatalog: Sendable {
    /// All bundles in the order of the index; empty if none was deployed.
    func list() async throws -> [BundleEntry]

    /// Folder of a bundle.
    ///
    /// - Throws: `NoBundleError` if the index does not name it.
    func folder(_ name: String) async throws -> URL

    /// Opens a bundle, which compares all of its files with their digests.
    func open(_ name: String) async throws -> LevitBundle

    /// Runs the golden images of a bundle, which the choice names.
    func check(_ choice: Choice) async throws -> CheckResult
}

/// The bundles in a folder with an `index.json`, such as the app's resources. They are read where they are: the system
/// protects an app's resources, and a copy would take storage without any use.
struct FolderBundles: BundleCatalog {
    /// Folder that holds `index.json` and one folder per bundle.
    let root: URL
    /// One loader per runtime that the app has.
    let loaders: [any ArtifactLoader]

    func list() async throws -> [BundleEntry] {
        try index().map(entry)
    }

    func folder(_ name: String) async throws -> URL {
        guard try index().contains(where: { $0.name == name }) else { throw NoBundleError(name) }
        return root.appendingPathComponent(name, isDirectory: true)
    }

    func open(_ name: String) async throws -> LevitBundle {
        try LevitBundle(opening: try await folder(name))
    }

    func check(_ choice: Choice) async throws -> CheckResult {
        do {
            let opened = try await LevitClassifier(
                bundle: try await folder(choice.bundle ?? ""), accelerator: choice.accelerator,
                threads: choice.threads, loaders: loaders)
            await opened.close()
            return opened.check
        } catch let error as BrokenBundleError {
            return error.check
        }
    }

    private func index() throws -> [IndexedBundle] {
        let file = root.appendingPathComponent("index.json")
        if !FileManager.default.fileExists(atPath: file.path) { return [] }
        return try BundleIndex.read(String(contentsOf: file, encoding: .utf8)).bundles
    }

    /// A list reads the contracts alone, so that it appears at once.
    private func entry(_ bundle: IndexedBundle) -> BundleEntry {
        let bytes = bundle.files.reduce(0) { $0 + $1.bytes }
        let file = root.appendingPathComponent("\(bundle.name)/contract.json")
        do {
            let contract = try Contract.read(String(contentsOf: file, encoding: .utf8))
            return BundleEntry(name: bundle.name, bytes: bytes, contract: contract, failure: refusal(contract))
        } catch {
            let reason = FailureReason(.damagedBundle, detail: (error as? FormatError).map { "\($0)" } ?? file.path)
            return BundleEntry(name: bundle.name, bytes: bytes, contract: nil, failure: reason)
        }
    }

    private func refusal(_ contract: Contract) -> FailureReason? {
        let file = contract.artifact.file
        guard let runtime = Runtime(of: contract) else { return FailureReason(.unsupportedBundle, detail: file) }
        do {
            let loader = try loaders.loader(of: runtime)
            return runtime.refuses(contract, version: loader.version).map {
                FailureReason(.unsupportedBundle, detail: $0)
            }
        } catch {
            return FailureReason(.unsupportedBundle, detail: "\(error)")
        }
    }
}
