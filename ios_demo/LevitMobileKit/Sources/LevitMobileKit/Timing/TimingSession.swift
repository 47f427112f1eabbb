import Foundation

/// Runs a plan in this process and makes its record.
///
/// The steps run one after the other, in an order that is drawn: an artifact is loaded, checked, timed and closed before
/// the next one. An app cannot start processes, so a record has one process. A host that wants more starts the app anew by
/// launch arguments; see `LaunchRequest`.
public struct TimingSession: Sendable {
    private let app: AppVersion
    private let facts: any DeviceFacts
    private let loaders: [any ArtifactLoader]
    private let marker: RunMarker
    private let pause: @Sendable (Int) async throws -> Void
    private let watch: Stopwatch
    private let now: @Sendable () -> Date

    static let oneProcess = "all steps of the plan ran in one process of the app, one after the other"
    static let notFinished = "the app has not finished the run, or was ended in the middle of it"
    static let cancelled = "the run was cancelled"

    /// - Parameters:
    ///   - app: Identifier and version of the app.
    ///   - facts: What the device reports.
    ///   - loaders: One per runtime that the app has.
    ///   - marker: Exists while a step runs, so that the next process knows what killed this one.
    ///   - pause: Waits for a time in ms. Default: `Task.sleep`.
    ///   - watch: Measures the calls.
    ///   - now: The date. Default: the system's.
    public init(
        app: AppVersion, facts: any DeviceFacts, loaders: [any ArtifactLoader] = .standard, marker: RunMarker,
        pause: @escaping @Sendable (Int) async throws -> Void = { try await Task.sleep(for: .milliseconds($0)) },
        watch: Stopwatch = Stopwatch(), now: @escaping @Sendable () -> Date = { Date() }
    ) {
        (self.app, self.facts, self.loaders, self.marker) = (app, facts, loaders, marker)
        (self.pause, self.watch, self.now) = (pause, watch, now)
    }

    /// Runs a plan; cancellable between two inferences. What was measured until then has been saved.
    ///
    /// - Parameters:
    ///   - plan: What is timed.
    ///   - bundle: Opens a bundle by its name. All are opened before anything is timed.
    ///   - save: Called with what was measured after each step and at the end.
    ///   - report: Called often, from any thread.
    /// - Throws: `CancellationError`, and what `bundle` and `save` throw.
    public func run(
        _ plan: TimingPlan, bundle: @Sendable (String) async throws -> LevitBundle,
        save: @Sendable (TimingRecord) throws -> Void = { _ in },
        report: @escaping @Sendable (SessionMoment) -> Void = { _ in }
    ) async throws -> TimingRecord {
        var bundles: [String: LevitBundle] = [:]
        for step in plan.steps where bundles[step.bundle] == nil {
            bundles[step.bundle] = try await bundle(step.bundle)
        }
        var record = await begun()
        var drawn = DrawnOrder(seed: plan.seed)
        do {
            for (place, index) in drawn.next(plan.steps.count).enumerated() {
                try Task.checkCancellation()
                guard let opened = bundles[plan.steps[index].bundle] else { continue }
                let ended = try await run(plan.steps[index], of: plan, place: place, opened, report)
                await add(ended.timing, to: &record, of: plan)
                record.incomplete = ended.stopped ?? Self.notFinished
                if ended.stopped != nil { break }
                try save(record)
            }
        } catch let error as CancellationError {
            record.incomplete = Self.cancelled
            if !record.timings.isEmpty { try save(record) }
            throw error
        }
        if record.incomplete == Self.notFinished { record.incomplete = nil }
        try save(record)
        return record
    }

    private func begun() async -> TimingRecord {
        let (device, state) = (await facts.device(), await facts.conditions())
        var record = TimingRecord(
            app: app, startedAt: now().formatted(.iso8601), device: device, before: state, after: state,
            interleaved: false, timings: [])
        record.incomplete = Self.notFinished
        return record
    }

    private func run(
        _ step: TimingStep, of plan: TimingPlan, place: Int, _ bundle: LevitBundle,
        _ report: @escaping @Sendable (SessionMoment) -> Void
    ) async throws -> (timing: Timing, stopped: String?) {
        let (each, all, marker) = (plan.warmupRounds + plan.rounds, plan.steps.count, marker)
        let benchmark = Benchmark(pause: pause) { [facts] in await facts.conditions().thermal }
        let timer = StepTimer(plan, step, benchmark: benchmark, facts: facts, watch: watch) { phase, progress in
            // A marker that cannot be written costs only the reason of a death.
            if phase != .cooling { try? marker.begin(step.name, doing: phase.doing) }
            let done = place * each + (progress?.done ?? 0)
            let waited = progress?.coolingMs ?? 0
            report(SessionMoment(step: step, phase: phase, done: done, total: all * each, coolingMs: waited))
        }
        defer { marker.end() }
        return try await timer.run(bundle, loaders)
    }

    private func add(_ timing: Timing, to record: inout TimingRecord, of plan: TimingPlan) async {
        var timing = timing
        if plan.steps.count > 1 { timing.notes.append(Self.oneProcess) }
        record.timings.append(timing)
        let state = await facts.conditions()
        if record.timings.count > 1 { record.during.append(record.after) }
        record.after = state
    }
}
