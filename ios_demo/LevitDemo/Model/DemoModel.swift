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

    /// - Parameter kept: Holds the user's choices when the app ends; nil for nothing.
    init(_ graph: any DemoGraph, kept: KeptChoices? = nil) {
        (selection, runner) = (Selection(kept), graph.benchmark)
        camera = CameraModel(classifiers: graph.classifiers, camera: graph.camera)
        photo = PhotoModel(classifiers: graph.classifiers)
        benchmark = BenchmarkModel(catalog: graph.catalog, runner: graph.benchmark, kept: kept)
        bundles = BundlesModel(catalog: graph.catalog, selection: selection)
    }

    /// Completes the record of a run whose process died, and does what a host asks for by the launch arguments.
    ///
    /// - Parameter arguments: Those of the process.
    func launch(_ arguments: [String]) async {
        await benchmark.recover()
        do {
            switch try LaunchRequest.read(arguments) {
            case .run(let plan, let record):
                tab = .benchmark
                benchmark.start(plan, record: record)
            case .clean(let paths): try runner.clean(only: paths)
            case nil: break
            }
        } catch {
            refuse("\(error)", LaunchRequest.record(arguments))
        }
    }

    /// The user and the host learn why.
    private func refuse(_ reason: String, _ record: String?) {
        tab = .benchmark
        refusedPlan = reason
        if let record { runner.refuse(record, reason: reason) }
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
