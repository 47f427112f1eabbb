import LevitMobileKit
import Observation

/// The list of bundles, the chosen one with its contract, and its self-check.
@MainActor @Observable
final class BundlesModel {
    /// All bundles.
    private(set) var state = ScreenState<[BundleEntry]>.loading
    /// Name of the bundle whose page is open; nil for the list alone.
    private(set) var opened: String?
    /// Where the self-check runs.
    private(set) var accelerator = Accelerator.cpu
    /// The opened bundle, with its digests compared.
    private(set) var detail = ScreenState<LevitBundle>.loading
    /// The self-check of the opened bundle: `ready` before it runs.
    private(set) var check = ScreenState<CheckResult>.ready

    @ObservationIgnored private let catalog: any BundleCatalog
    @ObservationIgnored private let selection: Selection

    init(catalog: any BundleCatalog, selection: Selection) {
        (self.catalog, self.selection) = (catalog, selection)
    }

    /// What the camera and the photo screen use.
    var choice: Choice { selection.choice }

    /// The entry of the opened bundle.
    var entry: BundleEntry? {
        guard case .result(let entries) = state else { return nil }
        return entries.first { $0.name == opened }
    }

    /// Reads the list.
    func list() async {
        state.take(.reloaded)
        let ended = await outcome {
            let entries = try await catalog.list()
            if entries.isEmpty { throw NoBundleError() }
            return entries
        }
        if let ended { state = state.after(.loaded).after(.started).after(ended) }
    }

    /// Opens a bundle's page.
    func open(_ name: String) async {
        if name != opened { accelerator = .cpu }
        (opened, check) = (name, .ready)
        detail.take(.reloaded)
        let ended = await outcome { try await catalog.open(name) }
        if let ended, name == opened { detail = detail.after(.loaded).after(.started).after(ended) }
    }

    /// Goes back to the list.
    func closePage() {
        opened = nil
    }

    /// Chooses where the self-check runs.
    func run(on accelerator: Accelerator) {
        if case .running = check { return }
        (self.accelerator, check) = (accelerator, .ready)
    }

    /// Uses the opened bundle for the camera and for photos.
    func use() {
        if let opened { selection.choose(Choice(bundle: opened, accelerator: accelerator)) }
    }

    /// Runs the golden images of the opened bundle.
    func runCheck() async {
        if case .running = check { return }
        guard let name = opened else { return }
        check = .running()
        let ended = await outcome {
            try await catalog.check(Choice(bundle: name, accelerator: accelerator))
        }
        if name == opened { check.take(ended ?? .cancelled) }
    }
}
