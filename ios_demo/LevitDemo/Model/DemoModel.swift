import Foundation
import LevitMobileKit
import Observation

/// The screens, in the order of the bar.
enum DemoTab: String, CaseIterable, Sendable {
    case camera, photo, benchmark, bundles
}

/// The open screen, and what the app was launched with.
@MainActor @Observable
final class DemoModel {
    /// The open screen.
    var tab = DemoTab.camera
    /// Why the timing plan of the launch is refused; nil if none was.
    private(set) var refusedPlan: String?

    let selection: Selection
    let camera: CameraModel
    let photo: PhotoModel
    let benchmark: BenchmarkModel
    let bundles: BundlesModel
    @ObservationIgnored private let runner: any BenchmarkRunner

    init(_ graph: any DemoGraph, selection: Selection = Selection()) {
        (self.selection, runner) = (selection, graph.benchmark)
        camera = CameraModel(classifiers: graph.classifiers, camera: graph.camera)
        photo = PhotoModel(classifiers: graph.classifiers)
        benchmark = BenchmarkModel(catalog: graph.catalog, runner: graph.benchmark)
        bundles = BundlesModel(catalog: graph.catalog, selection: selection)
    }

    /// Does what a host asks for by the launch arguments.
    ///
    /// - Parameter read: Reads the request; nil if a host asks for nothing.
    func launch(_ read: () throws -> LaunchRequest?) {
        do {
            switch try read() {
            case .run(let plan, let record):
                tab = .benchmark
                benchmark.start(plan, record: record)
            case .clean: try runner.clean()
            case nil: break
            }
        } catch {
            tab = .benchmark
            refusedPlan = "\(error)"
        }
    }

    /// The user has read why the plan is refused.
    func readRefusal() {
        refusedPlan = nil
    }
}

/// What the screens need of the device. Tests give fakes.
protocol DemoGraph: Sendable {
    var catalog: any BundleCatalog { get }
    var classifiers: any ClassifierSource { get }
    var camera: any CameraSource { get }
    var benchmark: any BenchmarkRunner { get }
}
