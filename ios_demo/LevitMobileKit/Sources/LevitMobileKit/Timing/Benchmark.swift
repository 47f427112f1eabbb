import Dispatch

/// How far a benchmark is.
public struct BenchmarkProgress: Sendable, Equatable {
    /// Rounds done, the warm-up included.
    public let done: Int
    /// All rounds.
    public let total: Int
    /// Time waited so far for the device to cool before this round, in ms; nil unless it waits.
    public var coolingMs: Int?
}

/// What a benchmark returns.
public struct BenchmarkResult: Sendable, Equatable {
    /// Samples of each step in ms, in the order in which they were taken.
    public let samplesMs: [[Double]]
    /// Why it ended early; nil if all rounds ran.
    public let stopped: String?
}

/// Monotonic time.
public struct Stopwatch: Sendable {
    private let now: @Sendable () -> UInt64

    /// - Parameter now: Time in ns since any moment. Default: the system's clock that never goes back.
    public init(now: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds }) {
        self.now = now
    }

    /// Times one call in ms. It belongs inside the actor of the artifact: the way there is not the artifact's time.
    public func time(_ call: () throws -> Void) rethrows -> Double {
        let start = now()
        try call()
        return Double(now() - start) / 1e6
    }
}

/// Times the steps of a plan in turn.
public struct Benchmark: Sendable {
    private let pause: @Sendable (Int) async throws -> Void
    private let heat: @Sendable () async -> Thermal?

    /// - Parameters:
    ///   - pause: Waits for a time in ms. Default: `Task.sleep`.
    ///   - heat: Thermal state of the device now; nil when unknown.
    public init(
        pause: @escaping @Sendable (Int) async throws -> Void = { try await Task.sleep(for: .milliseconds($0)) },
        heat: @escaping @Sendable () async -> Thermal?
    ) {
        (self.pause, self.heat) = (pause, heat)
    }

    /// Runs all rounds; cancellable between two inferences.
    ///
    /// - Parameters:
    ///   - plan: What is done.
    ///   - calls: One inference of each step, with its input in place; each returns its time in ms.
    ///   - progress: Called after every round and while the device cools.
    /// - Throws: `CancellationError`, and what a call throws.
    public func run(
        _ plan: TimingPlan, _ calls: [() async throws -> Double], isolation: isolated (any Actor)? = #isolation,
        progress: (BenchmarkProgress) -> Void = { _ in }
    ) async throws -> BenchmarkResult {
        precondition(calls.count == plan.steps.count, "there must be one call per step of the plan")
        var samples = [[Double]](repeating: [], count: calls.count)
        let orders = plan.orders()
        for (round, order) in orders.enumerated() {
            var waited = 0
            waiting: while true {
                switch plan.coolDown.decide(await heat(), waitedMs: waited) {
                case .goOn:
                    if waited > 0 { progress(BenchmarkProgress(done: round, total: orders.count)) }
                    break waiting
                case .giveUp(let reason): return BenchmarkResult(samplesMs: samples, stopped: reason)
                case .wait(let ms):
                    progress(BenchmarkProgress(done: round, total: orders.count, coolingMs: waited))
                    try await pause(ms)
                    waited += ms
                }
            }
            for step in order {
                try Task.checkCancellation()
                let elapsed = try await calls[step]()
                if round >= plan.warmupRounds { samples[step].append(elapsed) }
            }
            progress(BenchmarkProgress(done: round + 1, total: orders.count))
        }
        return BenchmarkResult(samplesMs: samples, stopped: nil)
    }
}
