import Foundation
import LevitMobileKit
import Observation

/// A record and the file that holds it.
struct FinishedBenchmark: Sendable {
    let record: TimingRecord
    /// nil if it could not be written.
    let file: URL?
}

/// What a running benchmark reports.
enum BenchmarkNews: Sendable {
    /// What it does now.
    case moment(SessionMoment)
    /// The record of the steps that are done.
    case measured(TimingRecord)
}

/// Runs benchmarks.
protocol BenchmarkRunner: Sendable {
    /// The step during which the last process died, with the reason; nil if none did. Completes the record of its run,
    /// and forgets it.
    func takeDied() async -> String?

    /// Removes what a host has copied to the app, and the records.
    ///
    /// - Parameter paths: What is removed, in the words of `HostFolder.clean`; nil for everything.
    func clean(only paths: [String]?) throws

    /// Writes for a host why the run of a record cannot begin.
    func refuse(_ record: String, reason: String)

    /// Runs a plan; cancellable between two inferences.
    ///
    /// - Parameters:
    ///   - record: Name of the record's file without `.json`; nil for a name made of the time.
    ///   - report: Called often, from any thread.
    func run(
        _ plan: TimingPlan, record: String?, report: @escaping @Sendable (BenchmarkNews) -> Void
    ) async throws -> FinishedBenchmark
}

/// What is timed, and the benchmark that runs. One benchmark runs at a time, and it survives its screen.
@MainActor @Observable
final class BenchmarkModel {
    /// The bundles to choose from.
    private(set) var entries = ScreenState<[BundleEntry]>.loading
    /// `ready` before the first benchmark, `running` with the rounds of all steps, then the table.
    private(set) var state = ScreenState<BenchmarkRows>.loading
    /// What a running benchmark does now; nil before its first step, and without meaning in other states.
    private(set) var moment: SessionMoment?
    /// The steps of a running benchmark that are done, fastest first.
    private(set) var finished: [BenchmarkRow] = []

    private var chosen: Set<String>?
    private var others: BenchmarkChoices
    @ObservationIgnored private let catalog: any BundleCatalog
    @ObservationIgnored private let runner: any BenchmarkRunner
    @ObservationIgnored private let kept: KeptChoices?
    @ObservationIgnored private var recovering: Task<String?, Never>?
    @ObservationIgnored private var running: Task<Void, Never>?
    /// Grows with every start and every cancellation, so that an old run changes nothing any more.
    @ObservationIgnored private var current = 0

    /// - Parameter kept: Holds the choices when the app ends; nil for nothing.
    init(catalog: any BundleCatalog, runner: any BenchmarkRunner, kept: KeptChoices? = nil) {
        (self.catalog, self.runner, self.kept) = (catalog, runner, kept)
        others = kept?.benchmark ?? BenchmarkChoices()
        chosen = others.bundles.isEmpty ? nil : others.bundles
    }

    /// What is chosen; all bundles that the app can run until the user chooses among those that it has.
    var choices: BenchmarkChoices {
        var choices = others
        let names = listed.map(\.name)
        let found = chosen.flatMap { $0.isEmpty || !$0.isDisjoint(with: names) ? $0.intersection(names) : nil }
        choices.bundles = found ?? Set(listed.filter { $0.failure == nil }.map(\.name))
        return choices
    }

    /// Number of steps that are chosen.
    var stepCount: Int { choices.steps(listed).count }

    /// Completes the record of a run whose process died, once, and shows the reason.
    ///
    /// The launch of the app calls it before anything else, so that a host finds the record.
    func recover() async {
        let asking = recovering ?? Task { [runner] in await runner.takeDied() }
        recovering = asking
        let died = await asking.value
        // A benchmark may have begun meanwhile, by the app's launch arguments.
        if case .loading = state {
            state = died.map { .failed(FailureReason(.processDied, detail: $0)) } ?? .ready
        }
    }

    /// Reads the list of bundles, and how the last process ended.
    func load() async {
        await recover()
        entries.take(.reloaded)
        let ended = await outcome {
            let found = try await catalog.list()
            if found.isEmpty { throw NoBundleError() }
            return found
        }
        if let ended { entries = entries.after(.loaded).after(.started).after(ended) }
    }

    /// Chooses a bundle, or does not.
    func toggle(bundle name: String) {
        chosen = choices.bundles.symmetricDifference([name])
        keep()
    }

    /// Chooses an accelerator, or does not.
    func toggle(_ accelerator: Accelerator) {
        others.accelerators.formSymmetricDifference([accelerator])
        keep()
    }

    /// Chooses a number of threads, or does not.
    func toggle(threads: Int) {
        others.threads.formSymmetricDifference([threads])
        keep()
    }

    /// Chooses the number of rounds.
    func choose(rounds: Int) {
        others.rounds = rounds
        keep()
    }

    /// Starts the benchmark of what is chosen.
    func start() {
        if let plan = choices.plan(listed) { start(plan) }
    }

    /// Starts a benchmark, unless one runs.
    func start(_ plan: TimingPlan, record: String? = nil) {
        if case .running = state { return }
        state = state.after(.reloaded).after(.loaded).after(.started)
        (moment, finished) = (nil, [])
        current += 1
        let (last, number) = (running, current)
        running = Task {
            // A cancelled run ends its inference first; two at once would slow each other.
            await last?.value
            await run(plan, record, number)
        }
    }

    /// Stops the benchmark.
    func cancel() {
        running?.cancel()
        current += 1
        state.take(.cancelled)
    }

    /// Goes back to the choices.
    func clear() {
        if case .running = state { return }
        state = .ready
    }

    /// Returns when no benchmark runs.
    func wait() async {
        await running?.value
    }

    private func keep() {
        others.bundles = chosen ?? []
        kept?.benchmark = others
    }

    private func run(_ plan: TimingPlan, _ record: String?, _ number: Int) async {
        let (news, source) = AsyncStream.makeStream(of: BenchmarkNews.self)
        let watching = Task {
            for await one in news where number == current { take(one) }
        }
        let ended = await outcome { try await runner.run(plan, record: record) { source.yield($0) } }
        source.finish()
        await watching.value
        if number == current { finish(ended) }
    }

    private func take(_ news: BenchmarkNews) {
        switch news {
        case .moment(let moment):
            self.moment = moment
            state.take(.progressed(done: moment.done, total: moment.total))
        case .measured(let record): finished = BenchmarkRows(record, file: nil).rows
        }
    }

    private func finish(_ ended: ScreenEvent<FinishedBenchmark>?) {
        switch ended {
        case .succeeded(let finished):
            let rows = BenchmarkRows(finished.record, file: finished.file)
            let isTooHot = !rows.hasTimes && rows.incomplete?.contains("too hot") == true
            let reason = FailureReason(.tooHot, detail: rows.incomplete ?? "")
            state.take(isTooHot ? .broke(reason) : .succeeded(rows))
        case .broke(let reason): state.take(.broke(reason))
        default: break
        }
    }

    private var listed: [BundleEntry] {
        if case .result(let found) = entries { return found }
        return []
    }
}
