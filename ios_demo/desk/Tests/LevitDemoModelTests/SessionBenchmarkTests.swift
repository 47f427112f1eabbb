import Foundation
import Testing

@testable import LevitDemoModel
@testable import LevitMobileKit

/// What a host finds in the app's folder, with a runtime that is faked.
@Suite("SessionBenchmark")
struct SessionBenchmarkTests {
    private let folder: SampleBundles
    private let marker: RunMarker

    init() throws {
        folder = try SampleBundles()
        try folder.write("a")
        marker = RunMarker(folder.root.appendingPathComponent("state"))
    }

    private var records: URL { folder.root.appendingPathComponent("levit/records") }

    private func runner(_ loader: FakeLoader = FakeLoader()) -> SessionBenchmark {
        SessionBenchmark(
            app: AppVersion(name: "demo", version: "1"), bundles: FolderBundles(root: folder.root, loaders: [loader]),
            loaders: [loader], facts: FakeFacts(), host: HostFolder(documents: folder.root), marker: marker)
    }

    private func plan(_ bundle: String = "a", threads: [Int] = [1, 2]) -> TimingPlan {
        var plan = TimingPlan(steps: threads.map { TimingStep(bundle, threads: $0) }, rounds: 3, warmupRounds: 1)
        plan.picturePx = [8, 6]
        return plan
    }

    private func lines(_ run: String = "r-1") throws -> [ProgressLine] {
        let text = try String(contentsOf: records.appendingPathComponent("\(run).progress.jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(ProgressLine.self, from: Data($0.utf8)) }
    }

    private func record(_ run: String = "r-1") throws -> TimingRecord {
        try TimingRecord.read(String(contentsOf: records.appendingPathComponent("\(run).json"), encoding: .utf8))
    }

    @Test("A host finds a line for each phase and each record, from the accepted plan to the end")
    func watched() async throws {
        let measured = Box<[Int]>([])
        let finished = try await runner().run(plan(), record: "r-1") { news in
            if case .measured(let record) = news { measured.change { $0.append(record.timings.count) } }
        }
        #expect(measured.value == [1, 2, 2])
        let lines = try lines()
        let events = lines.map(\.event).filter { $0 != .moment }
        #expect(events == [.started, .measured, .measured, .measured, .finished])
        #expect(lines.allSatisfy { $0.run == "r-1" && $0.total == 8 })
        let moments = lines.filter { $0.event == .moment }
        let phases = ["loading the artifact", "running the golden images", "warming up", "running the timed rounds"]
        #expect(moments.map(\.phase) == phases + phases)
        #expect(Set(moments.map(\.step)) == ["a-cpu1", "a-cpu2"])
        #expect(lines.last?.record == "Documents/levit/records/r-1.json" && lines.last?.reason == nil)
        #expect(try record() == finished.record)
        #expect(finished.record.versions == ["demo": "1", "ExecuTorch": "1.0.0"])
        #expect(finished.record.coolingS == 0)
    }

    @Test("A user's run has a record and no lines")
    func unwatched() async throws {
        _ = try await runner().run(plan(), record: nil) { _ in }
        let files = try FileManager.default.contentsOfDirectory(atPath: records.path)
        #expect(files.count == 1 && files[0].hasSuffix("Z.json"))
    }

    @Test("A bundle that is not there ends a run at once, and the line names it")
    func unknown() async throws {
        await #expect(throws: NoBundleError.self) { try await runner().run(plan("b"), record: "r-1") { _ in } }
        #expect(try lines().map(\.event) == [.started, .failed])
        #expect(try lines().last?.reason == "the app has no bundle b")
        try Data("x".utf8).write(to: folder.root.appendingPathComponent("a/labels.txt"))
        await #expect(throws: StoreError.self) { try await runner().run(plan(), record: "r-1") { _ in } }
        let reason = try #require(try lines().last?.reason)
        #expect(reason.contains("labels.txt") && !reason.contains("StoreError"), "\(reason)")
    }

    @Test("A cancelled run says so")
    func cancelled() async throws {
        let runner = runner()
        let task = Task {
            try await runner.run(plan(), record: "r-1") { _ in withUnsafeCurrentTask { $0?.cancel() } }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try lines().last?.event == .cancelled)
        #expect(try lines().last?.reason == nil)
    }

    @Test("A refused plan has its reason beside the record's place")
    func refused() throws {
        runner().refuse("r-1", reason: "the timing plan: the plan has no steps")
        #expect(try lines().map(\.event) == [.failed])
    }

    @Test("The next start completes the record of a run whose process died, once", arguments: [[1], [1, 2]])
    func died(threads: [Int]) async throws {
        let copy = RunMarker(folder.root.appendingPathComponent("died"))
        let marker = marker
        _ = try await runner().run(plan(threads: threads), record: "r-1") { news in
            guard case .moment(let moment) = news, moment.phase == .loading, let died = marker.died() else { return }
            try? copy.begin(died.step, doing: "loading the artifact", record: died.record, pending: died.pending)
        }
        // As the files were when the process died in the last step.
        try FileManager.default.removeItem(at: records.appendingPathComponent("r-1.json"))
        let left = try #require(copy.died())
        try marker.begin(left.step, doing: "loading the artifact", record: left.record, pending: left.pending)
        let reason = "the process died while loading the artifact"
        #expect(await runner().takeDied() == "\(left.step): \(reason)")
        #expect(await runner().takeDied() == nil)
        let record = try record()
        #expect(record.timings.count == threads.count && record.incomplete == nil)
        #expect(record.timings.last?.notRun == reason && record.timings.last?.name == left.step)
        #expect(try lines().last?.event == .finished)
    }
}
