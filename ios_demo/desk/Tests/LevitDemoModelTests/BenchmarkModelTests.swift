import Foundation
import LevitMobileKit
import Testing

@testable import LevitDemoModel

@MainActor @Suite("BenchmarkModel")
struct BenchmarkModelTests {
    private let entries = [
        Sample.entry("et"), Sample.entry("ml", "model.mlpackage"),
        Sample.entry("old", failure: FailureReason(.unsupportedBundle)),
    ]

    private func loaded(_ runner: FakeRunner = FakeRunner()) async -> BenchmarkModel {
        let model = BenchmarkModel(catalog: FakeCatalog { [entries] in entries }, runner: runner)
        await model.load()
        return model
    }

    @Test("All bundles that the app can run are chosen first, on the CPU")
    func choices() async {
        let model = await loaded()
        #expect(model.state == .ready)
        #expect(model.choices.bundles == ["et", "ml"])
        #expect(model.choices.plan(entries)?.steps.map(\.name) == ["et-cpu1", "ml-cpu1"])
    }

    @Test("Core ML bundles run on all units without threads, the others on the CPU with each number of threads")
    func steps() async {
        let model = await loaded()
        model.toggle(.gpu)
        model.toggle(.neuralEngine)
        model.toggle(threads: 4)
        model.choose(rounds: 200)
        let plan = model.choices.plan(entries)
        #expect(plan?.rounds == 200)
        #expect(
            plan?.steps.map(\.name) == ["et-cpu1", "et-cpu4", "ml-cpu1", "ml-gpu", "ml-neural-engine"])
        model.toggle(bundle: "et")
        #expect(model.stepCount == 3)
        model.toggle(bundle: "ml")
        #expect(model.stepCount == 0)
        model.start()
        #expect(model.state == .ready, "nothing is chosen, so nothing starts")
    }

    @Test("A benchmark reports its rounds and ends with the table")
    func result() async throws {
        let plans = Box<[TimingPlan]>([])
        let model = await loaded(
            FakeRunner(plans: plans) { report in
                report(SessionMoment(step: TimingStep("et"), phase: .timing, done: 3, total: 55))
                let slow = Sample.timing("slow", [6, 6, 6])
                return FinishedBenchmark(record: Sample.record([slow, Sample.timing("fast", [2, 2, 2])]), file: nil)
            })
        model.start()
        model.start()
        await model.wait()
        #expect(plans.value.count == 1, "one benchmark runs at a time")
        #expect(model.moment?.phase == .timing)
        let rows = try #require(model.state.value)
        #expect(rows.rows.map(\.name) == ["fast", "slow"])
        #expect(rows.rows.map(\.ratio) == [1, 3])
        model.clear()
        #expect(model.state == .ready)
    }

    @Test("A cancelled benchmark returns to the choices, and its late result changes nothing")
    func cancelled() async throws {
        let runs = Box(0)
        let model = await loaded(
            FakeRunner { report in
                runs.change { $0 += 1 }
                report(SessionMoment(step: TimingStep("et"), phase: .cooling, done: 1, total: 9, coolingMs: 10_000))
                if runs.value == 1 { try await untilCancelled() }
                return FinishedBenchmark(record: Sample.record([Sample.timing("second")]), file: nil)
            })
        model.start()
        await until { model.state == .running(done: 1, total: 9) }
        #expect(model.moment?.coolingMs == 10_000)
        model.cancel()
        #expect(model.state == .ready)
        model.start()
        await model.wait()
        let rows = try #require(model.state.value)
        #expect(rows.rows.map(\.name) == ["second"])
    }

    @Test("A step that killed the last process is named")
    func died() async {
        let model = await loaded(FakeRunner(died: "ml-gpu: the process died while loading"))
        let reason = FailureReason(.processDied, detail: "ml-gpu: the process died while loading")
        #expect(model.state == .failed(reason))
        model.clear()
        #expect(model.state == .ready)
    }

    @Test("A phone that stayed too hot and a full storage are failures")
    func failures() async {
        let sentence = "the device stayed too hot for 300 s (thermal serious)"
        let hot = await loaded(
            FakeRunner { _ in
                var record = Sample.record([Sample.timing("a", []) { $0.notRun = sentence }])
                record.incomplete = sentence
                return FinishedBenchmark(record: record, file: nil)
            })
        hot.start()
        await hot.wait()
        #expect(hot.state == .failed(FailureReason(.tooHot, detail: sentence)))

        let full = await loaded(FakeRunner { _ in throw CocoaError(.fileWriteOutOfSpace) })
        full.start()
        await full.wait()
        #expect(full.state == .failed(FailureReason(.diskFull)))
    }

    @Test("An app without bundles says so, and a retry reads the list again")
    func empty() async throws {
        let found = Box<[BundleEntry]>([])
        let model = BenchmarkModel(catalog: FakeCatalog { found.value }, runner: FakeRunner())
        await model.load()
        let reason = try #require(model.entries.failure)
        #expect(reason == FailureReason(.noBundle))
        found.change { $0 = [Sample.entry("a")] }
        await model.load()
        #expect(model.stepCount == 1)
    }

    @Test("Rows without times follow the timed ones, with their reasons")
    func rows() {
        let timings = [
            Sample.timing("not run", []) { $0.notRun = "no GPU" },
            Sample.timing("broken", []) {
                ($0.notRun, $0.parity.verdict) = ("it is broken", .broken)
                $0.parity.reasons = ["SQNR 3 dB", "it is broken"]
            },
            Sample.timing("timed") {
                ($0.threads, $0.computeUnits) = (nil, .cpuAndNeuralEngine)
                ($0.loadMs, $0.firstRunMs, $0.peakMemoryBytes) = ([9, 10], [5], [1, 7])
            },
        ]
        let rows = BenchmarkRows(Sample.record(timings), file: nil).rows
        #expect(rows.map(\.name) == ["timed", "broken", "not run"])
        #expect(rows.map(\.outcome) == [.timed, .broken, .notRun])
        #expect(rows[1].reasons == ["it is broken", "SQNR 3 dB"])
        #expect(rows[0].peakMemoryBytes == 7)
        #expect(rows[0].loadMs == 9)
    }

    @Test("A launch starts its plan, and a plan that cannot be read is refused with the reason")
    func launch() async {
        let (plans, cleaned) = (Box<[TimingPlan]>([]), Box(0))
        let demo = DemoModel(FakeGraph(benchmark: FakeRunner(plans: plans, cleaned: cleaned)))
        demo.launch { nil }
        #expect(demo.tab == .camera)
        demo.launch { .run(TimingPlan(steps: [TimingStep("a")]), record: "run-1") }
        await demo.benchmark.wait()
        #expect(demo.tab == .benchmark)
        #expect(plans.value.map(\.steps.count) == [1])
        #expect(cleaned.value == 0)
        demo.launch { .clean }
        #expect(cleaned.value == 1)
        demo.launch { throw StrangeError() }
        #expect(demo.refusedPlan == "a strange error")
        demo.readRefusal()
        #expect(demo.refusedPlan == nil)
    }
}
