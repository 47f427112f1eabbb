import LevitMobileKit
import Observation

/// What classifies camera frames and photos.
struct Choice: Sendable, Equatable {
    /// Name of the bundle; nil for the first one that the app can run.
    var bundle: String?
    /// Where it runs.
    var accelerator = Accelerator.cpu
    /// Number of CPU threads, 1 or more; Core ML chooses by itself.
    var threads = 1
}

/// The choice that the camera, the photo screen and the list of bundles share.
@MainActor @Observable
final class Selection {
    /// The choice now.
    private(set) var choice: Choice

    init(_ first: Choice = Choice()) {
        choice = first
    }

    /// Choose a bundle and where it runs.
    func choose(_ choice: Choice) {
        self.choice = choice
    }
}
