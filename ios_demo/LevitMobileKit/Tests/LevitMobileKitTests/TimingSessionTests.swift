import Foundation
import Testing

@testable import LevitMobileKit

/// What the fakes of a test share: calls in order, and answers.
private final class Script: @unchecked Sendable {
    private let lock = NSLock()
    private var noted: [String] = []
    private var ns: UInt64 = 0

    var calls: [String] { lock.withLock { noted } }

    func note(_ call: String) { lock.withLock { noted.append(call) } }

    /// A clock that goes on by 1 ms at each look.
    func look() -> UInt64 {
        lock.withLock {
            ns += 1_000_000
            return ns
        }
    }
}

private final class FakeRunner: ArtifactRunner {
    let accelerator: Accelerator
    let threads: Int
    let classes = 3
    let notes = ["a note of the runner"]
    private let script: Script
    private let logits: [Float]

    init(_ accelerator: Accelerator, _ threads: Int, _ script: Script, _ logits: [Float]) {
        (self.accelerator, self.threads, self.script, self.logits) = (accelerator, threads, script, logits)
    }

    func write(_ pixels: [UInt8]) throws { try ImageError.require(pixels.count == 27, "\(pixels.count) bytes") }
    func run() throws { script.note("run") }
    func read(into logits: inout [Float]) throws { logits = self.logits }
    func close() { script.note("close") }
}

private struct FakeLoader: ArtifactLoader {
    let runtime = Runtime.executorch
    let version = "1.4.1"
    let script: Script
    var logits = SampleBundle.logits
    var missing: Accelerator?

    func open(
        _ bundle: LevitBundle, _ accelerator: Accelerator, threads: Int, isolation: isolated (any Actor)?
    ) async throws -> any ArtifactRunner {
        script.note("open \(accelerator.rawValue)\(threads)")
        if accelerator == missing { throw NotAvailableError("this device has no such unit") }
        return FakeRunner(accelerator, threads, script, logits)
    }
}

private struct FakeFacts: DeviceFacts {
    var thermal = Thermal.nominal
    var heat: Heat?

    func device() async -> Device {
        Device(model: "iPhone16,1", soc: "A17 Pro", os: "iOS", osVersion: "26.1", osBuild: "23B85", cores: 6)
    }

    func conditions() async -> Conditions {
        var now = Conditions()
        (now.thermal, now.lowPowerMode, now.batteryPercent) = (heat?.next() ?? thermal, false, 80)
        return now
    }

    func peakMemoryBytes() -> Int? { 4096 }
}

@Suite("TimingSession")
struct TimingSessionTests {
    private let folder: TemporaryFolder
    private let script = Script()
    private let bundle: LevitBundle
    private let marker: RunMarker
    private let saved = Saved()

    init() throws {
        folder = try TemporaryFolder()
        let place = folder.url.appendingPathComponent("bundle")
        try SampleBundle.write(to: place)
        bundle = try LevitBundle(opening: place)
        marker = RunMarker(folder.url.appendingPathComponent("state"))
    }

    private func session(_ loader: FakeLoader, facts: FakeFacts = FakeFacts()) -> TimingSession {
        let script = script
        return TimingSession(
            app: AppVersion(name: "dev.levitmobile.demo", version: "0.1.0"), facts: facts, loaders: [loader],
            marker: marker,
            pause: { _ in }, watch: Stopwatch(now: script.look), now: { Date(timeIntervalSince1970: 0) })
    }

    private func plan(_ steps: [TimingStep], rounds: Int = 3) -> TimingPlan {
        var plan = TimingPlan(steps: steps, rounds: rounds, warmupRounds: 2)
        plan.picturePx = [8, 6]
        return plan
    }

    private func record(
        _ plan: TimingPlan, _ loader: FakeLoader, facts: FakeFacts = FakeFacts(),
        report: @escaping @Sendable (SessionMoment) -> Void = { _ in }
    ) async throws -> TimingRecord {
        let bundle = bundle
        return try await session(loader, facts: facts).run(
            plan, bundle: { _ in bundle }, save: saved.add, report: report)
    }

    @Test("A step is loaded, checked, warmed up and timed, and its record can be read")
    func steps() async throws {
        let moments = Moments()
        let record = try await record(plan([TimingStep("bundle")]), FakeLoader(script: script)) { moments.add($0) }
        let timing = try #require(record.timings.first)
        #expect(timing.name == "bundle-cpu1" && timing.parity.verdict == .proven && timing.notRun == nil)
        #expect(timing.loadMs.count == 1 && timing.firstRunMs == [1] && timing.samplesMs == [1, 1, 1])
        #expect(timing.preprocessSamplesMs == [1, 1, 1] && timing.endToEndSamplesMs == [3, 3, 3])
        #expect(timing.warmupRuns == 2 && timing.threads == 1 && timing.computeUnits == nil)
        #expect(timing.peakMemoryBytes == [4096] && timing.picturePx == [8, 6])
        #expect(timing.notes == ["a note of the runner"])
        #expect(record.incomplete == nil && !record.interleaved && record.startedAt == "1970-01-01T00:00:00Z")
        #expect(record.coolingS == 0)
        #expect(record.versions == ["dev.levitmobile.demo": "0.1.0", "ExecuTorch": "1.4.1"])
        // The first run, one golden image, 2 + 3 rounds, and 3 rounds end to end.
        #expect(script.calls == ["open cpu1"] + Array(repeating: "run", count: 10) + ["close"])
        #expect(moments.phases == [.loading, .checking, .warmingUp, .timing])
        // The end-to-end rounds are reported too: a host hears of a slow run.
        #expect(moments.dones == [0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 5])
        #expect(try TimingRecord.read(record.write()) == record)
        #expect(marker.takeDied() == nil)
    }

    @Test("An artifact with wrong logits is broken and not timed")
    func broken() async throws {
        let loader = FakeLoader(script: script, logits: [-2, 1, 0.5])
        let timing = try #require(try await record(plan([TimingStep("bundle")]), loader).timings.first)
        #expect(timing.parity.verdict == .broken && timing.samplesMs.isEmpty && timing.loadMs.isEmpty)
        #expect(timing.notRun?.hasPrefix("the self-check failed, so nothing was timed: ") == true)
        #expect(script.calls == ["open cpu1", "run", "run", "close"])
    }

    @Test("A unit that is not there is not run, and the other steps are timed")
    func lacking() async throws {
        let loader = FakeLoader(script: script, missing: .gpu)
        let record = try await record(plan([TimingStep("bundle", .gpu), TimingStep("bundle")]), loader)
        let (gpu, cpu) = (
            record.timings.first { $0.accelerator == "gpu" }, record.timings.first { $0.name == "bundle-cpu1" }
        )
        #expect(gpu?.parity.verdict == .notRun && gpu?.notRun == "this device has no such unit")
        #expect(cpu?.samplesMs.count == 3 && cpu?.notes.last == TimingSession.oneProcess)
        #expect(record.timings.count == 2 && record.during.count == 1)
        #expect(saved.all.map(\.incomplete) == [TimingSession.notFinished, TimingSession.notFinished, nil])
    }

    @Test("Without a loader of its runtime a bundle is not run")
    func noLoader() async throws {
        let bundle = bundle
        let session = TimingSession(
            app: AppVersion(name: "a", version: "1"), facts: FakeFacts(), loaders: [], marker: marker)
        let record = try await session.run(plan([TimingStep("bundle")]), bundle: { _ in bundle })
        #expect(record.timings[0].parity.verdict == .notRun)
        #expect(record.timings[0].notRun?.contains("LevitExecuTorch") == true)
        #expect(try TimingRecord.read(record.write()) == record)
    }

    @Test("A device that stays hot ends the run, and the record states why")
    func hot() async throws {
        var hot = plan([TimingStep("bundle"), TimingStep("bundle", threads: 2)])
        hot.coolDown = CoolDown(pollMs: 10, longestMs: 20)
        let record = try await record(hot, FakeLoader(script: script), facts: FakeFacts(thermal: .critical))
        #expect(record.timings.count == 1 && record.timings[0].samplesMs.isEmpty)
        #expect(record.incomplete?.contains("too hot") == true)
        #expect(record.timings[0].notRun == record.incomplete)
        #expect(record.coolingS == 0.02, "two waits of 10 ms")
        #expect(try TimingRecord.read(record.write()) == record)
    }

    @Test("A cancelled run has saved the steps before")
    func cancelled() async throws {
        let (bundle, saved) = (bundle, saved)
        let session = session(FakeLoader(script: script))
        let plan = plan([TimingStep("bundle"), TimingStep("bundle", threads: 2)])
        let task = Task {
            try await session.run(plan, bundle: { _ in bundle }, save: saved.add) { moment in
                if moment.done > 5 { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(saved.all.last?.incomplete == TimingSession.cancelled)
        #expect(saved.all.last?.timings.count == 1)
        #expect(marker.takeDied() == nil)
    }

    @Test("A device that cools is reported as such from the first wait to the last, and the waits are summed up")
    func cooled() async throws {
        var plan = plan([TimingStep("bundle")])
        plan.coolDown = CoolDown(pollMs: 400, longestMs: 2000)
        let (moments, marker) = (Moments(), marker)
        let facts = FakeFacts(heat: Heat([.nominal, .serious, .serious, .nominal, .nominal, .serious, .nominal]))
        let record = try await record(plan, FakeLoader(script: script), facts: facts) { moment in
            moments.add(moment)
            moments.note(marker.died()?.reason ?? "")
        }
        #expect(moments.phases == [.loading, .checking, .warmingUp, .cooling, .warmingUp, .timing, .cooling, .timing])
        #expect(moments.cooling == [0, 400, 0])
        #expect(record.coolingS == 1.2)
        let reasons = zip(moments.notes, moments.all).map { $0 == "the process died while \($1.phase.doing)" }
        #expect(reasons.allSatisfy { $0 })
    }

    @Test("A process that dies leaves the step, what it did, and the record of a run that has no other step")
    func died() async throws {
        let (marker, seen) = (marker, Died())
        let bundle = bundle
        _ = try await session(FakeLoader(script: script)).run(plan([TimingStep("bundle")]), as: "a") { _ in
            bundle
        } report: { moment in
            if moment.phase == .timing, let died = marker.died() { seen.put(died) }
        }
        let died = try #require(seen.last)
        #expect(died.step == "bundle-cpu1" && died.record == "a")
        #expect(died.reason == "the process died while running the timed rounds")
        let record = try #require(died.completed)
        #expect(record.incomplete == nil && record.coolingS == 0 && record.versions["ExecuTorch"] == "1.4.1")
        let timing = try #require(record.timings.first)
        #expect(timing.notRun == died.reason && timing.parity.reasons == [died.reason])
        #expect(timing.parity.verdict == .notRun && timing.contractSHA256 == bundle.contractSHA256)
        #expect(timing.runtimeVersion == "1.4.1" && timing.accelerator == "xnnpack" && timing.notes.isEmpty)
        #expect(try TimingRecord.read(record.write()) == record)
    }

    @Test("The record of a run of several steps keeps those before, and states that the others are missing")
    func diedInTheMiddle() async throws {
        let (marker, seen, bundle) = (marker, Died(), bundle)
        let plan = plan([TimingStep("bundle"), TimingStep("bundle", threads: 2), TimingStep("bundle", threads: 4)])
        let whole = try await session(FakeLoader(script: script)).run(plan, as: "a") { _ in
            bundle
        } report: { moment in
            if moment.done == 5, moment.phase == .loading, let died = marker.died() { seen.put(died) }
        }
        let died = try #require(seen.last)
        let record = try #require(died.completed)
        #expect(record.timings.map(\.name) == whole.timings.prefix(2).map(\.name))
        #expect(record.timings[0] == whole.timings[0])
        #expect(record.timings[1].notRun == "the process died while loading the artifact")
        #expect(record.timings[1].notes == [TimingSession.oneProcess])
        #expect(record.incomplete == "the process died while loading the artifact (\(died.step))")
        #expect(try TimingRecord.read(record.write()) == record)
    }
}

private final class Died: @unchecked Sendable {
    private let lock = NSLock()
    private var found: DiedStep?
    var last: DiedStep? { lock.withLock { found } }
    func put(_ died: DiedStep) { lock.withLock { found = died } }
}

/// Thermal states in the order of the looks; the last one stays.
private final class Heat: @unchecked Sendable {
    private let lock = NSLock()
    private var states: [Thermal]
    init(_ states: [Thermal]) { self.states = states }
    /// The first look belongs to the record.
    func next() -> Thermal {
        lock.withLock { states.count > 1 ? states.removeFirst() : states[0] }
    }
}

private final class Saved: @unchecked Sendable {
    private let lock = NSLock()
    private var records: [TimingRecord] = []
    var all: [TimingRecord] { lock.withLock { records } }
    func add(_ record: TimingRecord) { lock.withLock { records.append(record) } }
}

private final class Moments: @unchecked Sendable {
    private let lock = NSLock()
    private var seen: [SessionMoment] = []
    private var texts: [String] = []
    var all: [SessionMoment] { lock.withLock { seen } }
    /// Phases in order, without repetitions.
    var phases: [SessionMoment.Phase] {
        all.reduce(into: []) { if $0.last != $1.phase { $0.append($1.phase) } }
    }
    /// Rounds that were done.
    var dones: [Int] { all.map(\.done) }
    /// Time waited at each moment of cooling.
    var cooling: [Int] { all.filter { $0.phase == .cooling }.map(\.coolingMs) }
    var notes: [String] { lock.withLock { texts } }
    func add(_ moment: SessionMoment) { lock.withLock { seen.append(moment) } }
    func note(_ text: String) { lock.withLock { texts.append(text) } }
}
