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
                report(.moment(SessionMoment(step: TimingStep("et"), phase: .timing, done: 3, total: 55)))
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

    @Test("The steps that are done are listed while the benchmark goes on, and a new one begins without them")
    func doneSoFar() async {
        let goOn = Box(false)
        let model = await loaded(
            FakeRunner { report in
                let (slow, fast) = (Sample.timing("slow", [6, 6, 6]), Sample.timing("fast", [2, 2, 2]))
                let broken = Sample.timing("broken", []) { ($0.notRun, $0.parity.verdict) = ("wrong", .broken) }
                if goOn.value { try await untilCancelled() }
                report(.measured(Sample.record([slow])))
                report(.measured(Sample.record([slow, broken, fast])))
                while !goOn.value { await Task.yield() }
                return FinishedBenchmark(record: Sample.record([slow]), file: nil)
            })
        model.start()
        await until { model.finished.count == 3 }
        #expect(model.finished.map(\.name) == ["fast", "slow", "broken"])
        #expect(model.finished.map { $0.inference?.medianMs } == [2, 6, nil])
        #expect(model.finished.map(\.outcome) == [.timed, .timed, .broken])
        #expect(model.finished.map(\.verdict) == [.proven, .proven, .broken])
        goOn.change { $0 = true }
        await model.wait()
        model.clear()
        model.start()
        #expect(model.finished.isEmpty)
        model.cancel()
        await model.wait()
    }

    @Test("A cancelled benchmark returns to the choices, and its late result changes nothing")
    func cancelled() async throws {
        let runs = Box(0)
        let model = await loaded(
            FakeRunner { report in
                runs.change { $0 += 1 }
                let step = TimingStep("et")
                report(.moment(SessionMoment(step: step, phase: .cooling, done: 1, total: 9, coolingMs: 10_000)))
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

    @Test("A launch completes the record of a died run, and then starts its plan or cleans up")
    func launch() async throws {
        let (plans, asked) = (Box<[TimingPlan]>([]), Box<[String]>([]))
        let demo = DemoModel(FakeGraph(benchmark: FakeRunner(died: "a: it died", plans: plans, asked: asked)))
        await demo.launch(["/LevitDemo"])
        #expect(demo.tab == .camera && asked.value == ["died"])
        #expect(demo.benchmark.state == .failed(FailureReason(.processDied, detail: "a: it died")))
        let plan = try TimingPlan(steps: [TimingStep("a")]).write()
        await demo.launch(["/LevitDemo", "--levit-plan", plan, "--levit-record", "run-1"])
        await demo.benchmark.wait()
        #expect(demo.tab == .benchmark && demo.benchmark.state.value != nil)
        #expect(plans.value.map(\.steps.count) == [1])
        await demo.launch(["/LevitDemo", "--levit-clean"])
        await demo.launch(["/LevitDemo", "--levit-clean", #"["bundles/a", "records/run-1.json"]"#])
        #expect(asked.value == ["died", "run run-1", "clean all", "clean bundles/a records/run-1.json"])
    }

    @Test("A plan that cannot be read is refused with the reason, for the user and for the host that names a record")
    func refused() async {
        let asked = Box<[String]>([])
        let demo = DemoModel(FakeGraph(benchmark: FakeRunner(asked: asked)))
        await demo.launch(["/LevitDemo", "--levit-plan", "{}", "--levit-record", "run-1"])
        let reason = "the timing plan: schema_version is missing, expected 1"
        #expect(demo.refusedPlan == reason)
        #expect(asked.value == ["died", "refuse run-1: \(reason)"])
        demo.readRefusal()
        #expect(demo.refusedPlan == nil)
        await demo.launch(["/LevitDemo", "--levit-plan", "{}"])
        #expect(demo.refusedPlan != nil && asked.value.count == 2)
    }
}
