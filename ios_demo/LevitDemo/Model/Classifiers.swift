import Foundation
import LevitMobileKit

/// A bundle that is open on an accelerator.
protocol Classifier: Sendable {
    /// The bundle and the accelerator; its bundle is never nil.
    var choice: Choice { get }

    /// The best classes of a camera frame.
    func classify(_ frame: CameraFrame) async throws -> Classification

    /// The best classes of an encoded picture, such as a JPEG or HEIC file.
    ///
    /// - Throws: `ImageError` if it cannot be decoded.
    func classify(_ picture: Data) async throws -> Classification

    /// Frees the runtime's memory after the last classification has ended.
    func close() async
}

/// Opens classifiers.
protocol ClassifierSource: Sendable {
    /// Loads a bundle and runs its self-check on the accelerator.
    ///
    /// - Throws: An error that `FailureReason(of:)` has words for.
    func open(_ choice: Choice) async throws -> any Classifier
}

/// Classifies an encoded picture; only the platform knows the formats of pictures.
typealias PictureClassifier = @Sendable (LevitClassifier, Data) async throws -> Classification

/// Opens bundles by the library.
struct LibraryClassifiers: ClassifierSource {
    let catalog: any BundleCatalog
    let loaders: [any ArtifactLoader]
    let pictures: PictureClassifier

    func open(_ choice: Choice) async throws -> any Classifier {
        let named = try await named(choice)
        let opened = try await LevitClassifier(
            bundle: try await catalog.folder(named.bundle ?? ""), accelerator: named.accelerator,
            threads: named.threads, loaders: loaders)
        return LibraryClassifier(choice: named, opened: opened, pictures: pictures)
    }

    /// The choice with a bundle that is there. What was chosen for a bundle that is gone says nothing about another one.
    private func named(_ choice: Choice) async throws -> Choice {
        let entries = try await catalog.list()
        if let name = choice.bundle, entries.contains(where: { $0.name == name }) { return choice }
        guard let first = entries.first(where: { $0.failure == nil }) ?? entries.first else { throw NoBundleError() }
        var named = choice.bundle == nil ? choice : Choice()
        named.bundle = first.name
        return named
    }
}

private struct LibraryClassifier: Classifier {
    let choice: Choice
    let opened: LevitClassifier
    let pictures: PictureClassifier

    func classify(_ frame: CameraFrame) async throws -> Classification {
        try await opened.classify(frame.pixels, orientation: frame.orientation)
    }

    func classify(_ picture: Data) async throws -> Classification {
        try await pictures(opened, picture)
    }

    func close() async {
        await opened.close()
    }
}
