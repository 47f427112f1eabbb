import Foundation
import LevitMobileKit

@testable import LevitDemoModel

/// A value that tests and fakes share between threads.
final class Box<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) {
        stored = value
    }

    var value: Value { lock.withLock { stored } }

    func change(_ body: (inout Value) -> Void) {
        lock.withLock { body(&stored) }
    }
}

/// Stands for any failure that no code of the app knows.
struct StrangeError: Error, CustomStringConvertible {
    let description = "a strange error"
}

/// Waits for another task, without any time limit of its own.
@MainActor
func until(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}

/// Waits until the caller is cancelled.
func untilCancelled() async throws {
    while true { try await Task.sleep(for: .seconds(3600)) }
}

struct FakeClassifier: Classifier {
    var choice = Choice(bundle: "a")
    var closed = Box(0)
    var answer: @Sendable () async throws -> Classification = { Sample.classification }

    func classify(_ frame: CameraFrame) async throws -> Classification { try await answer() }
    func classify(_ picture: Data) async throws -> Classification { try await answer() }
    func close() async { closed.change { $0 += 1 } }
}

struct FakeClassifiers: ClassifierSource {
    var opened = Box<[Choice]>([])
    var make: @Sendable (Choice) async throws -> any Classifier = { _ in FakeClassifier() }

    func open(_ choice: Choice) async throws -> any Classifier {
        opened.change { $0.append(choice) }
        return try await make(choice)
    }
}

struct FakeCamera: CameraSource {
    var allowed = Box(CameraPermission.granted)
    var answer = CameraPermission.granted
    var script: [CameraEvent] = []
    /// Whether the gate was open at each frame.
    var entered = Box<[Bool]>([])
    /// Whether the stream goes on for ever after its script.
    var isEndless = false

    func permission() -> CameraPermission { allowed.value }

    func ask() async -> CameraPermission {
        allowed.change { $0 = answer }
        return answer
    }

    func events(_ gate: FrameGate) -> AsyncStream<CameraEvent> {
        let (script, entered, isEndless, place) = (script, entered, isEndless, Box(0))
        return AsyncStream(unfolding: {
            let next = place.value
            place.change { $0 += 1 }
            if next >= script.count {
                if isEndless { _ = try? await untilCancelled() }
                return nil
            }
            if case .frame = script[next] {
                let isOpen = gate.enter()
                entered.change { $0.append(isOpen) }
            }
            return script[next]
        })
    }
}

struct FakeCatalog: BundleCatalog {
    var entries: @Sendable () async throws -> [BundleEntry] = { [Sample.entry("a")] }
    var bundle: @Sendable (String) async throws -> LevitBundle = { _ in throw StrangeError() }
    var result: @Sendable (Choice) async throws -> CheckResult = { _ in throw StrangeError() }

    func list() async throws -> [BundleEntry] { try await entries() }
    func folder(_ name: String) async throws -> URL { URL(fileURLWithPath: "/\(name)") }
    func open(_ name: String) async throws -> LevitBundle { try await bundle(name) }
    func check(_ choice: Choice) async throws -> CheckResult { try await result(choice) }
}

struct FakeRunner: BenchmarkRunner {
    var died: String?
    var plans = Box<[TimingPlan]>([])
    /// What was done for a host, in order.
    var asked = Box<[String]>([])
    var work: @Sendable (@Sendable (BenchmarkNews) -> Void) async throws -> FinishedBenchmark = { _ in
        FinishedBenchmark(record: Sample.record([Sample.timing("a")]), file: nil)
    }

    func takeDied() async -> String? {
        asked.change { $0.append("died") }
        return died
    }

    func clean(only paths: [String]?) {
        asked.change { $0.append("clean \(paths?.joined(separator: " ") ?? "all")") }
    }

    func refuse(_ record: String, reason: String) { asked.change { $0.append("refuse \(record): \(reason)") } }

    func run(
        _ plan: TimingPlan, record: String?, report: @escaping @Sendable (BenchmarkNews) -> Void
    ) async throws -> FinishedBenchmark {
        plans.change { $0.append(plan) }
        if let record { asked.change { $0.append("run \(record)") } }
        return try await work(report)
    }
}

struct FakeGraph: DemoGraph {
    var catalog: any BundleCatalog = FakeCatalog()
    var classifiers: any ClassifierSource = FakeClassifiers()
    var camera: any CameraSource = FakeCamera()
    var benchmark: any BenchmarkRunner = FakeRunner()
}

struct FakeFacts: DeviceFacts {
    func device() async -> Device {
        Device(model: "iPhone16,1", soc: "A17", os: "iOS", osVersion: "18", osBuild: "22A", cores: 6)
    }

    func conditions() async -> Conditions { Conditions() }

    func peakMemoryBytes() -> Int? { 1 }
}
