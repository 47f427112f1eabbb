import LevitMobileKit
import Observation

/// What classifies camera frames and photos.
struct Choice: Sendable, Equatable {
    /// Name of the bundle; the first one that the app can run if it is nil, or if the app has no such bundle any more.
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
    @ObservationIgnored private let kept: KeptChoices?

    /// - Parameter kept: Holds the choice when the app ends; nil for nothing.
    init(_ kept: KeptChoices? = nil) {
        self.kept = kept
        choice = kept?.choice ?? Choice()
    }

    /// Choose a bundle and where it runs.
    func choose(_ choice: Choice) {
        self.choice = choice
        kept?.choice = choice
    }
}
