import Foundation
import Testing

@testable import LevitMobileKit

@Suite("Benchmark, CoolDown, Summary and RunMarker")
struct BenchmarkTests {
    private let plan = TimingPlan(steps: [TimingStep("a"), TimingStep("b", .gpu)], rounds: 3, warmupRounds: 2)

    @Test("A hot device waits and then gives up")
    func coolDown() throws {
        let gate = CoolDown(pollMs: 10, longestMs: 25)
        #expect(gate.decide(nil, waitedMs: 0) == .goOn)
        #expect(gate.decide(.light, headroom: .nan, waitedMs: 0) == .goOn)
        #expect(gate.decide(.fair, waitedMs: 0) == .goOn)
        #expect(gate.decide(.moderate, waitedMs: 0) == .wait(ms: 10))
        #expect(gate.decide(.serious, waitedMs: 0) == .wait(ms: 10))
        #expect(gate.decide(Thermal.none, headroom: 0.9, waitedMs: 20) == .wait(ms: 5))
        let reason = "the device stayed too hot for 0 s (thermal critical)"
        #expect(gate.decide(.critical, waitedMs: 25) == .giveUp(reason: reason))
        #expect((0...4).map { Thermal(ofApple: $0) } == [.nominal, .fair, .serious, .critical, nil])
    }

    @Test("A benchmark keeps the rounds after the warm-up, in turn")
    func inTurn() async throws {
        var order: [Int] = []
        var seen: [BenchmarkProgress] = []
        let calls = [0, 1].map { step in
            { () async throws -> Double in
                order.append(step)
                return Double(step + 1)
            }
        }
        let benchmark = Benchmark(pause: { _ in }, heat: { nil })
        let result = try await benchmark.run(plan, calls) { seen.append($0) }
        #expect(result == BenchmarkResult(samplesMs: [[1, 1, 1], [2, 2, 2]], stopped: nil))
        #expect(order == plan.orders().flatMap { $0 })
        #expect(seen == (1...5).map { BenchmarkProgress(done: $0, total: 5) })
    }

    @Test("A benchmark waits for a hot device and keeps what it has when it gives up")
    func hot() async throws {
        var hot = plan
        (hot.coolDown, hot.warmupRounds, hot.rounds) = (CoolDown(pollMs: 10, longestMs: 30), 0, 9)
        let device = HotDevice()
        let benchmark = Benchmark(pause: { await device.wait($0) }, heat: { await device.look() })
        let call = { () async throws -> Double in 1 }
        let result = try await benchmark.run(hot, [call, call])
        #expect(await device.waits == [10, 10, 10, 10, 10])
        #expect(result.samplesMs.map(\.count) == [4, 4])
        #expect(result.stopped?.contains("too hot") == true)
    }

    @Test("A benchmark stops between two inferences when it is cancelled")
    func cancelled() async {
        let counter = Counter()
        let plan = plan
        let task = Task {
            let call = { () async throws -> Double in
                await counter.count()
                withUnsafeCurrentTask { $0?.cancel() }
                return 1
            }
            return try await Benchmark(pause: { _ in }, heat: { nil }).run(plan, [call, call])
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(await counter.calls == 1)
    }

    @Test("A stopwatch counts in ms, and an error passes through")
    func stopwatch() throws {
        let times = Times([1_000_000, 3_500_000, 4_000_000])
        let watch = Stopwatch { times.next() }
        #expect(watch.time {} == 2.5)
        #expect(throws: ImageError.self) { try watch.time { throw ImageError("x") } }
        #expect(Stopwatch().time {} >= 0)
    }

    @Test("The statistics are Python's", arguments: TestData.vectors("summaries.json"))
    func summaries(vector: Vector) throws {
        let samples = try #require(vector["samples_ms"].items).compactMap(\.double)
        let summary = try #require(Summary(samples))
        let found: [String: Double?] = [
            "minimum_ms": summary.minimumMs, "median_ms": summary.medianMs, "p90_ms": summary.p90Ms,
            "p99_ms": summary.p99Ms, "iqr_ms": summary.iqrMs, "spread": summary.spread,
        ]
        let expected = try vector.fields("summary")
        #expect(Set(expected.keys) == Set(found.keys))
        for (name, value) in expected {
            let given = try #require(found[name])
            if let wanted = value.double {
                #expect(abs(try #require(given) - wanted) <= 1e-9, "\(name)")
            } else {
                #expect(given == nil, "\(name)")
            }
        }
        #expect(summary.isNoisy == (summary.spread > 0.1))
        #expect(summary.imagesPerSecond == 1000 / summary.medianMs)
    }

    @Test("There are no statistics of no samples")
    func noSamples() {
        #expect(Summary([]) == nil)
    }

    @Test("A step that killed its process is known to the next one, once")
    func died() throws {
        let folder = try TemporaryFolder()
        #expect(RunMarker(folder.url).takeDied() == nil)
        try RunMarker(folder.url.appendingPathComponent("new")).begin("levit-gpu", doing: "loading on the GPU")
        let marker = RunMarker(folder.url.appendingPathComponent("new"))
        let died = DiedStep(step: "levit-gpu", reason: "the process died while loading on the GPU")
        #expect(marker.died() == died)
        #expect(marker.takeDied() == died)
        #expect(marker.takeDied() == nil)
    }

    @Test("A step that ended leaves nothing behind")
    func ended() throws {
        let folder = try TemporaryFolder()
        try RunMarker(folder.url).begin("levit-cpu1", doing: "")
        RunMarker(folder.url).end()
        #expect(RunMarker(folder.url).takeDied() == nil)
    }
}

/// A device that is hot at its second, third and from its seventh look on.
private actor HotDevice {
    private var looks = 0
    private(set) var waits: [Int] = []

    func wait(_ ms: Int) { waits.append(ms) }

    func look() -> Thermal {
        defer { looks += 1 }
        return (1...2).contains(looks) || looks >= 6 ? .serious : .nominal
    }
}

private actor Counter {
    private(set) var calls = 0

    func count() { calls += 1 }
}

/// Moments that a clock gives one after the other; the last one for ever.
private final class Times: @unchecked Sendable {
    private let lock = NSLock()
    private var rest: [UInt64]

    init(_ moments: [UInt64]) { rest = moments }

    func next() -> UInt64 {
        lock.withLock { rest.count > 1 ? rest.removeFirst() : rest[0] }
    }
}
