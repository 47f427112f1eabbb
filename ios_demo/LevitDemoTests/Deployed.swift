import Foundation
import LevitExecuTorch
import LevitMobileKit
import XCTest

/// The bundles of the app that runs the tests.
enum Deployed {
    /// One loader per runtime that the app links.
    static let loaders: [any ArtifactLoader] = .standard + [ExecuTorchLoader()]

    /// The folder that the script phase made.
    static var folder: URL {
        get throws { try XCTUnwrap(Bundle.main.resourceURL).appendingPathComponent("bundles", isDirectory: true) }
    }

    /// Its bundles.
    ///
    /// - Throws: `XCTSkip` if no bundle is deployed, so that the app can be tested without one.
    static func index() throws -> [IndexedBundle] {
        let file = try folder.appendingPathComponent("index.json")
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw XCTSkip("no bundle is deployed: run levit-mobile deploy BUNDLE... --to ios_demo")
        }
        return try BundleIndex.read(String(contentsOf: file, encoding: .utf8)).bundles
    }

    /// Folder of a bundle.
    static func folder(of bundle: IndexedBundle) throws -> URL {
        try folder.appendingPathComponent(bundle.name, isDirectory: true)
    }

    /// Where an artifact can run at all; what a device lacks is found when it is opened there.
    static func accelerators(of bundle: LevitBundle) -> [Accelerator] {
        bundle.runtime == .coreML ? [.cpu, .gpu, .neuralEngine] : [.cpu]
    }

    /// Whether a simulator runs the tests. It has no Neural Engine, and its GPU is the Mac's.
    static var isSimulator: Bool {
        #if targetEnvironment(simulator)
            true
        #else
            false
        #endif
    }
}
