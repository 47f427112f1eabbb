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
        marker.takeDied().map { "\($0.step): \($0.reason)" }
    }

    func clean() throws {
        try host.clean()
    }

    func run(
        _ plan: TimingPlan, record: String?, report: @escaping @Sendable (SessionMoment) -> Void
    ) async throws -> FinishedBenchmark {
        let name = record ?? Self.name(Date())
        let session = TimingSession(app: app, facts: facts, loaders: loaders, marker: marker)
        let ended = try await session.run(
            plan, bundle: { try await open($0, isFromHost: record != nil) },
            save: { try host.write($0, as: name) },
            report: report)
        return FinishedBenchmark(record: ended, file: try host.write(ended, as: name))
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
