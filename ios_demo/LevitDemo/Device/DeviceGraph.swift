import Foundation
import LevitMobileKit

#if canImport(LevitExecuTorch)
    import LevitExecuTorch
#endif

/// The real device.
struct DeviceGraph: DemoGraph {
    static let shared = DeviceGraph()

    let capture = CaptureSession()
    let catalog: any BundleCatalog
    let classifiers: any ClassifierSource
    let camera: any CameraSource
    let benchmark: any BenchmarkRunner

    private init() {
        let resources = Bundle.main.resourceURL ?? Bundle.main.bundleURL
        let folder = resources.appendingPathComponent("bundles", isDirectory: true)
        let bundles = FolderBundles(root: folder, loaders: Self.loaders)
        catalog = bundles
        classifiers = LibraryClassifiers(catalog: bundles, loaders: Self.loaders) { opened, picture in
            try await opened.classify(picture)
        }
        camera = DeviceCamera(capture: capture)
        let documents = FileManager.default.urls(for: .documentDirectory, in: .userDomainMask)[0]
        benchmark = SessionBenchmark(
            app: Self.app, bundles: bundles, loaders: Self.loaders, facts: IOSDevice(),
            host: HostFolder(documents: documents), marker: RunMarker(documents.appendingPathComponent("running")))
    }

    private static var app: AppVersion {
        let version = Bundle.main.object(forInfoDictionaryKey: "CFBundleShortVersionString") as? String
        return AppVersion(name: Bundle.main.bundleIdentifier ?? "LevitDemo", version: version ?? "unknown")
    }

    /// One loader per runtime that the app links.
    static let loaders: [any ArtifactLoader] = {
        #if canImport(LevitExecuTorch)
            .standard + [ExecuTorchLoader()]
        #else
            .standard
        #endif
    }()
}
