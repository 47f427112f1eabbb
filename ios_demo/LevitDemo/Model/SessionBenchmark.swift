import Foundation
import LevitMobileKit

/// Runs benchmarks by the Kit's session, and keeps their records.
struct SessionBenchmark: BenchmarkRunner {
    /// Identifier and version of the app.
    let app: AppVersion
    let bundles: any BundleCatalog
    let loaders: [any ArtifactLoader]
    let facts: any DeviceFacts
    /// Folder of the records, which a host can read.
    let host: HostFolder
    /// Survives a process that dies.
    let marker: RunMarker

    func takeDied() async -> String? {
        guard let died = marker.died() else { return nil }
        host.complete(died)
        marker.end()
        return "\(died.step): \(died.reason)"
    }

    func clean(only paths: [String]?) throws {
        try host.clean(only: paths)
    }

    func refuse(_ record: String, reason: String) {
        host.refuse(record, reason: reason)
    }

    func run(
        _ plan: TimingPlan, record: String?, report: @escaping @Sendable (BenchmarkNews) -> Void
    ) async throws -> FinishedBenchmark {
        // Only a host reads lines. Without one they would be strange files beside the user's records.
        let lines = record.map { ProgressWriter(host, run: $0, total: plan.allRounds) }
        do {
            let finished = try await run(plan, record ?? Self.name(Date()), lines, report)
            lines?.end(.finished, reason: finished.record.incomplete)
            return finished
        } catch {
            lines?.end(error is CancellationError ? .cancelled : .failed, reason: Self.reason(error))
            throw error
        }
    }

    private func run(
        _ plan: TimingPlan, _ name: String, _ lines: ProgressWriter?,
        _ report: @escaping @Sendable (BenchmarkNews) -> Void
    ) async throws -> FinishedBenchmark {
        let session = TimingSession(app: app, facts: facts, loaders: loaders, marker: marker)
        let ended = try await session.run(plan, as: name) { bundle in
            try await open(bundle, isFromHost: lines != nil)
        } save: { record in
            try host.write(record, as: name)
            lines?.measured()
            report(.measured(record))
        } report: { moment in
            lines?.note(moment)
            report(.moment(moment))
        }
        return FinishedBenchmark(record: ended, file: try host.write(ended, as: name))
    }

    /// Why a run failed, in one sentence; nil if it was cancelled.
    private static func reason(_ error: any Error) -> String? {
        error is CancellationError ? nil : (error as? CocoaError)?.localizedDescription ?? "\(error)"
    }

    /// A host that asks for a run may have copied bundles of its own, which the app does not list.
    private func open(_ name: String, isFromHost: Bool) async throws -> LevitBundle {
        if isFromHost, let copied = host.bundle(name) { return try LevitBundle(opening: copied) }
        return try await bundles.open(name)
    }

    /// A record's name, such as `timing-20260131T120000Z`.
    private static func name(_ date: Date) -> String {
        let style = Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted)
        return "timing-\(date.formatted(style))"
    }
}
