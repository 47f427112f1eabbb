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
    ///   - name: Name of the record, by which the next process completes it if this one dies; nil for none.
    ///   - bundle: Opens a bundle by its name. All are opened before anything is timed.
    ///   - save: Called with what was measured after each step and at the end.
    ///   - report: Called often, from any thread, between two calls of the runtime.
    /// - Throws: `CancellationError`, and what `bundle` and `save` throw.
    public func run(
        _ plan: TimingPlan, as name: String? = nil, bundle: @Sendable (String) async throws -> LevitBundle,
        save: @Sendable (TimingRecord) throws -> Void = { _ in },
        report: @escaping @Sendable (SessionMoment) -> Void = { _ in }
    ) async throws -> TimingRecord {
        var bundles: [String: LevitBundle] = [:]
        for step in plan.steps where bundles[step.bundle] == nil {
            bundles[step.bundle] = try await bundle(step.bundle)
        }
        var (record, course) = (await begun(), Course(plan, name, report))
        do {
            for step in course.steps {
                try Task.checkCancellation()
                guard let opened = bundles[step.bundle] else { continue }
                let ended = try await run(step, opened, course, record)
                await add(ended.timing, to: &record, course)
                record.incomplete = ended.stopped ?? Self.notFinished
                course.place += 1
                if ended.stopped != nil { break }
                try save(record)
            }
        } catch let error as CancellationError {
            (record.incomplete, record.coolingS) = (Self.cancelled, await course.waits.seconds)
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
        (record.incomplete, record.coolingS) = (Self.notFinished, 0)
        record.versions = [app.name: app.version]
        for loader in loaders { record.versions[loader.runtime.title] = loader.version }
        return record
    }

    private func run(
        _ step: TimingStep, _ bundle: LevitBundle, _ course: Course, _ record: TimingRecord
    ) async throws -> (timing: Timing, stopped: String?) {
        let benchmark = Benchmark { [pause, waits = course.waits] ms in
            try await pause(ms)
            await waits.add(ms)
        } heat: { [facts] in
            await facts.conditions().thermal
        }
        let (marker, pending) = (marker, pending(step, bundle, course, record))
        let timer = StepTimer(course.plan, step, benchmark: benchmark, facts: facts, watch: watch) { phase, progress in
            course.report(step, phase, progress)
        } begin: { phase in
            // A marker that cannot be written costs only the reason of a death.
            try? marker.begin(step.name, doing: phase.doing, record: course.name, pending: pending)
        }
        defer { marker.end() }
        return try await timer.run(bundle, loaders)
    }

    /// The record as it shall be if the process dies during a step.
    private func pending(
        _ step: TimingStep, _ bundle: LevitBundle, _ course: Course, _ record: TimingRecord
    ) -> TimingRecord {
        var (pending, timing) = (record, Timing(step, bundle, loaders))
        timing.notRun = Self.notFinished
        pending.timings.append(course.noted(timing))
        pending.incomplete = course.place + 1 < course.steps.count ? Self.notFinished : nil
        return pending
    }

    private func add(_ timing: Timing, to record: inout TimingRecord, _ course: Course) async {
        record.timings.append(course.noted(timing))
        record.coolingS = await course.waits.seconds
        let state = await facts.conditions()
        if record.timings.count > 1 { record.during.append(record.after) }
        record.after = state
    }
}

/// A run that goes on.
private struct Course: Sendable {
    let plan: TimingPlan
    /// Name of the record.
    let name: String?
    /// All steps, in the order that was drawn.
    let steps: [TimingStep]
    /// Number of steps that are done.
    var place = 0
    let waits = Waits()
    private let listen: @Sendable (SessionMoment) -> Void

    init(_ plan: TimingPlan, _ name: String?, _ listen: @escaping @Sendable (SessionMoment) -> Void) {
        var drawn = DrawnOrder(seed: plan.seed)
        (self.plan, self.name, self.listen) = (plan, name, listen)
        steps = drawn.next(plan.steps.count).map { plan.steps[$0] }
    }

    func report(_ step: TimingStep, _ phase: SessionMoment.Phase, _ progress: BenchmarkProgress?) {
        let done = place * (plan.warmupRounds + plan.rounds) + (progress?.done ?? 0)
        let waited = progress?.coolingMs ?? 0
        listen(SessionMoment(step: step, phase: phase, done: done, total: plan.allRounds, coolingMs: waited))
    }

    /// The timing with the remark that other steps ran in its process.
    func noted(_ timing: Timing) -> Timing {
        var timing = timing
        if steps.count > 1 { timing.notes.append(TimingSession.oneProcess) }
        return timing
    }
}

/// Time waited for the device to cool in all.
private actor Waits {
    private var ms = 0
    var seconds: Double { Double(ms) / 1000 }

    func add(_ ms: Int) {
        self.ms += ms
    }
}
