import Foundation
import LevitMobileKit
import XCTest

/// A short benchmark of every deployed bundle, whose record is attached to the result of the tests.
///
/// The times are those of a debug build, and on a simulator of a Mac: this proves the harness and measures nothing.
final class BenchmarkTests: XCTestCase {
    func testAPlanIsTimedAndItsRecordIsAttached() async throws {
        let bundles = try Deployed.index().map { try LevitBundle(opening: try Deployed.folder(of: $0)) }
        let named = Dictionary(uniqueKeysWithValues: bundles.map { ($0.folder.lastPathComponent, $0) })
        let plan = TimingPlan(steps: named.keys.sorted().map { TimingStep($0) }, rounds: 5, warmupRounds: 1)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        let session = TimingSession(
            app: AppVersion(name: Bundle.main.bundleIdentifier ?? "", version: "tests"), facts: IOSDevice(),
            loaders: Deployed.loaders, marker: RunMarker(folder))

        let record = try await session.run(plan, bundle: { try XCTUnwrap(named[$0]) })

        XCTAssertNil(record.incomplete)
        XCTAssertEqual(record.timings.map(\.samplesMs.count), plan.steps.map { _ in plan.rounds })
        XCTAssertTrue(record.timings.flatMap(\.samplesMs).allSatisfy { $0 > 0 })
        XCTAssertTrue(record.timings.allSatisfy { $0.parity.verdict == .proven })
        let text = try record.write()
        add(XCTAttachment(string: text).kept(as: "timing.json"))
        XCTAssertEqual(try TimingRecord.read(text), record)
    }
}
