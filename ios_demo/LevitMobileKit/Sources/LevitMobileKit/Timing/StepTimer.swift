/// Proves and then times one artifact on one accelerator.
///
/// The boundaries are those of the timing record. Loading and the first inference come first. The golden images follow on
/// the same loaded artifact; where they fail, nothing is timed. The inferences are timed one after the other with the
/// input in place. The end-to-end rounds come after them, so that no resize pushes the artifact's data out of the caches
/// between two inferences.
actor StepTimer {
    private let plan: TimingPlan
    private let step: TimingStep
    private let benchmark: Benchmark
    private let facts: any DeviceFacts
    private let watch: Stopwatch
    private let report: @Sendable (SessionMoment.Phase, BenchmarkProgress?) -> Void
    private let begin: @Sendable (SessionMoment.Phase) -> Void
    private var phase: SessionMoment.Phase?

    static let against = "the trained model's logits in the bundle"

    /// - Parameters:
    ///   - report: Called at each phase, and after each round.
    ///   - begin: Called before `report` where the phase is another one.
    init(
        _ plan: TimingPlan, _ step: TimingStep, benchmark: Benchmark, facts: any DeviceFacts, watch: Stopwatch,
        report: @escaping @Sendable (SessionMoment.Phase, BenchmarkProgress?) -> Void,
        begin: @escaping @Sendable (SessionMoment.Phase) -> Void
    ) {
        (self.plan, self.step, self.benchmark, self.facts) = (plan, step, benchmark, facts)
        (self.watch, self.report, self.begin) = (watch, report, begin)
    }

    /// Times the step.
    ///
    /// - Returns: The timing, and why its rounds ended early; nil if all of them ran.
    /// - Throws: `CancellationError`.
    func run(
        _ bundle: LevitBundle, _ loaders: [any ArtifactLoader]
    ) async throws -> (timing: Timing, stopped: String?) {
        let empty = Timing(step, bundle, loaders)
        do {
            tell(.loading)
            let loader = try loaders.loader(of: bundle.runtime)
            let start = ContinuousClock.now
            let runner = try await loader.open(bundle, step.accelerator, threads: step.threads, isolation: self)
            var loaded = empty
            (loaded.loadMs, loaded.notes) = ([milliseconds(since: start)], runner.notes)
            let ended = try await measured(bundle, runner, loaded)
            runner.close()  // after an error the last reference does
            return ended
        } catch let error as CancellationError {
            throw error
        } catch let error as NotAvailableError {
            return (untimed(empty, Parity(.notRun, error.description)), nil)
        } catch {
            return (untimed(empty, Parity(.broken, "the artifact could not run: \(error)")), nil)
        }
    }

    private func measured(
        _ bundle: LevitBundle, _ runner: any ArtifactRunner, _ loaded: Timing
    ) async throws -> (timing: Timing, stopped: String?) {
        guard let first = bundle.golden.first else {
            return (untimed(loaded, Parity(.notRun, "the bundle holds no golden images")), nil)
        }
        var timing = loaded
        try runner.write(first.pixels)
        timing.firstRunMs = [try watch.time(runner.run)]
        timing.peakMemoryBytes = facts.peakMemoryBytes().map { [$0] } ?? []
        let check = try await checked(bundle, runner)
        if !check.mayBeTimed { return (untimed(timing, check.parity(against: Self.against)), nil) }
        timing.parity = check.parity(against: Self.against)
        let stopped = try await rounds(first, runner, &timing)
        if timing.samplesMs.isEmpty {
            timing.notRun = stopped ?? "no round ran"
            return (timing, stopped)
        }
        try endToEnd(bundle, runner, &timing)
        return (timing, stopped)
    }

    private func tell(_ phase: SessionMoment.Phase, _ progress: BenchmarkProgress? = nil) {
        if phase != self.phase { begin(phase) }
        self.phase = phase
        report(phase, progress)
    }

    private func checked(_ bundle: LevitBundle, _ runner: any ArtifactRunner) async throws -> CheckResult {
        tell(.checking)
        let contract = bundle.contract
        return try await SelfCheck.run(bundle.golden, contract.tolerance, contract.output.head) {
            try runner.infer($0)
        }
    }

    /// The inferences alone, the warm-up before them.
    private func rounds(
        _ golden: GoldenImage, _ runner: any ArtifactRunner, _ timing: inout Timing
    ) async throws -> String? {
        try runner.write(golden.pixels)
        let warmup = plan.warmupRounds
        let call = { [watch] () async throws -> Double in try watch.time(runner.run) }
        var one = plan
        one.steps = [step]
        tell(warmup > 0 ? .warmingUp : .timing, BenchmarkProgress(done: 0, total: warmup + plan.rounds))
        let result = try await benchmark.run(one, [call]) { progress in
            let phase: SessionMoment.Phase = progress.done < warmup ? .warmingUp : .timing
            tell(progress.coolingMs != nil ? .cooling : phase, progress)
        }
        timing.samplesMs = result.samplesMs[0]
        timing.warmupRuns = warmup
        return result.stopped
    }

    /// From a decoded image in memory to float logits; as many rounds as there are samples.
    nonisolated private func endToEnd(_ bundle: LevitBundle, _ runner: any ArtifactRunner, _ timing: inout Timing)
        throws
    {
        let frame = try NoiseFrame.make(plan.picturePx, seed: plan.seed)
        var preprocessor = try Preprocessor(bundle.contract)
        var logits = [Float](repeating: 0, count: runner.classes)
        let done = plan.warmupRounds + plan.rounds
        for _ in timing.samplesMs {
            try Task.checkCancellation()
            report(.timing, BenchmarkProgress(done: done, total: done))
            var preprocessMs = 0.0
            let wholeMs = try watch.time {
                preprocessMs = try watch.time { try preprocessor.prepare(frame, .upright) }
                try runner.write(preprocessor.pixels)
                try runner.run()
                try runner.read(into: &logits)
            }
            timing.preprocessSamplesMs.append(preprocessMs)
            timing.endToEndSamplesMs.append(wholeMs)
        }
        timing.picturePx = plan.picturePx
    }

    /// A timing without times, which states why.
    private func untimed(_ loaded: Timing, _ parity: Parity) -> Timing {
        var timing = loaded
        (timing.loadMs, timing.firstRunMs, timing.peakMemoryBytes) = ([], [], [])
        timing.parity = parity
        let reasons = parity.reasons.joined(separator: "; ")
        timing.notRun = parity.pictures > 0 ? "the self-check failed, so nothing was timed: \(reasons)" : reasons
        return timing
    }
}

extension Timing {
    /// The timing of a step that has not run yet.
    init(_ step: TimingStep, _ bundle: LevitBundle, _ loaders: [any ArtifactLoader]) {
        let (runtime, version) = (bundle.runtime, loaders.first { $0.runtime == bundle.runtime }?.version)
        let library = step.accelerator == .cpu ? "xnnpack" : step.accelerator.rawValue
        self.init(
            name: step.name, contract: bundle.contract, runtime: runtime, runtimeVersion: version ?? "none",
            accelerator: runtime == .coreML ? "coreml" : library, parity: Parity(verdict: .notRun))
        contractSHA256 = bundle.contractSHA256
        threads = runtime == .coreML ? nil : step.threads
        computeUnits = runtime == .coreML ? step.accelerator.computeUnits : nil
    }
}

extension Parity {
    /// A verdict with its reason, where no image was compared.
    fileprivate init(_ verdict: Verdict, _ reason: String) {
        self.init(verdict: verdict)
        (reasons, against) = ([reason], StepTimer.against)
    }
}
