import Foundation
import LevitMobileKit
import Observation

/// The classes of a picture.
struct PhotoResult: Sendable, Equatable {
    /// The classes and the times.
    let classification: Classification
    /// The bundle and where it ran.
    let choice: Choice
}

/// Classifies one picture that the user picked.
@MainActor @Observable
final class PhotoModel {
    /// `ready` without a picture, `running` while one is classified.
    private(set) var state = ScreenState<PhotoResult>.loading
    /// The picture's file; nil until one is picked.
    private(set) var picture: Data?
    /// Grows with every picture and every retry, so that the screen runs the model anew.
    private(set) var attempt = 0

    @ObservationIgnored private let classifiers: any ClassifierSource
    @ObservationIgnored private var opened: (any Classifier)?
    @ObservationIgnored private var isUnreadable = false

    init(classifiers: any ClassifierSource) {
        self.classifiers = classifiers
    }

    /// Shows a picture.
    ///
    /// - Parameter load: Reads its file; nil, where the picker was left without one, changes nothing.
    func show(_ load: () async throws -> Data?) async {
        do {
            guard let data = try await load() else { return }
            (picture, isUnreadable) = (data, false)
        } catch is CancellationError {
            return
        } catch {
            (picture, isUnreadable) = (nil, true)
        }
        attempt += 1
    }

    /// Opens the bundle and classifies the picture again.
    func retry() async {
        await close()
        attempt += 1
    }

    /// Opens a bundle unless it is open, and classifies the picture. The screen cancels it when the choice, the picture
    /// or the screen goes.
    func run(_ choice: Choice) async {
        guard let classifier = await open(choice) else { return }
        // A picture after one that failed begins anew; the bundle is open already.
        state = state.after(.reloaded).after(.loaded)
        if isUnreadable { return state.take(.broke(FailureReason(.unreadableImage))) }
        guard let picture else { return }
        state.take(.started)
        let ended = await outcome {
            PhotoResult(classification: try await classifier.classify(picture), choice: classifier.choice)
        }
        state.take(ended ?? .cancelled)
    }

    /// Frees the runtime's memory.
    func close() async {
        let last = opened
        opened = nil
        await last?.close()
    }

    private func open(_ choice: Choice) async -> (any Classifier)? {
        if let opened, matches(opened.choice, choice) { return opened }
        state.take(.reloaded)
        await close()
        switch await outcome({ try await classifiers.open(choice) }) {
        case .succeeded(let classifier):
            opened = classifier
            return classifier
        case .broke(let reason): state.take(.broke(reason))
        default: break
        }
        return nil
    }

    private func matches(_ opened: Choice, _ wanted: Choice) -> Bool {
        (wanted.bundle ?? opened.bundle) == opened.bundle && wanted.accelerator == opened.accelerator
            && wanted.threads == opened.threads
    }
}
