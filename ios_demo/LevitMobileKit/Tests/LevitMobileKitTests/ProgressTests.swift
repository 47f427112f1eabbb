import Foundation
import Testing

@testable import LevitMobileKit

@Suite("ProgressLine, ProgressWriter and a run whose process died")
struct ProgressTests {
    private let place: TemporaryFolder
    private let folder: HostFolder

    init() throws {
        place = try TemporaryFolder()
        folder = HostFolder(documents: place.url)
    }

    private var records: URL { place.url.appendingPathComponent("levit/records") }

    private func text(_ run: String = "a") throws -> String {
        try String(contentsOf: records.appendingPathComponent("\(run).progress.jsonl"), encoding: .utf8)
    }

    private func lines(_ run: String = "a") throws -> [ProgressLine] {
        let text = try text(run)
        #expect(text.hasSuffix("\n"))
        return try text.split(separator: "\n").map { try JSONDecoder().decode(ProgressLine.self, from: Data($0.utf8)) }
    }

    private func moment(_ phase: SessionMoment.Phase, done: Int = 0, coolingMs: Int = 0) -> SessionMoment {
        SessionMoment(step: TimingStep("b"), phase: phase, done: done, total: 7, coolingMs: coolingMs)
    }

    @Test("A line has the names of the other languages, and leaves out what is unknown")
    func line() throws {
        var line = ProgressLine(.moment, run: "a-1")
        #expect(line.write() == #"{"done":0,"event":"moment","run":"a-1","total":0}"#)
        (line.done, line.total, line.step, line.phase, line.coolingMs) = (3, 7, "b-cpu1", "warming up", 400)
        (line.record, line.reason) = ("Documents/levit/records/a-1.json", "two\nlines")
        #expect(
            line.write() == #"{"cooling_ms":400,"done":3,"event":"moment","phase":"warming up","#
                + #""reason":"two\nlines","record":"Documents/levit/records/a-1.json","run":"a-1","#
                + #""step":"b-cpu1","total":7}"#)
        let names = ProgressLine.Event.allCases.map(\.rawValue)
        #expect(names == ["started", "moment", "measured", "finished", "failed", "cancelled"])
    }

    @Test("A run begins and ends with its lines, and a phase has one at its change and one a second")
    func run() throws {
        let clock = Clock()
        let writer = ProgressWriter(folder, run: "a", total: 7, now: clock.now)
        writer.note(moment(.loading))
        for done in 0...3 {
            writer.note(moment(.timing, done: done))
            clock.wait(seconds: 0.4)
        }
        writer.note(moment(.cooling, done: 3, coolingMs: 10))
        writer.measured()
        writer.note(moment(.cooling, done: 4, coolingMs: 20))
        writer.end(.finished, reason: "too hot")
        let lines = try lines()
        #expect(lines.map(\.event) == [.started, .moment, .moment, .moment, .moment, .measured, .moment, .finished])
        #expect(lines.map(\.done) == [0, 0, 0, 3, 3, 3, 4, 4])
        #expect(lines.allSatisfy { $0.total == 7 && $0.run == "a" })
        #expect(lines[1].phase == "loading the artifact" && lines[1].step == "b-cpu1" && lines[1].coolingMs == nil)
        #expect(lines[4].phase == "waiting for the device to cool" && lines[4].coolingMs == 10)
        #expect(lines[5].record == "Documents/levit/records/a.json" && lines[7].record == lines[5].record)
        #expect(lines[7].reason == "too hot" && lines[7].step == nil)
        if let written = ProcessInfo.processInfo.environment["LEVIT_WRITTEN"] {  // for Python to read
            try text().write(toFile: "\(written)/progress.jsonl", atomically: true, encoding: .utf8)
        }
    }

    @Test("A new run of the same name removes the lines of the former one, and a refused one has only its reason")
    func again() throws {
        ProgressWriter(folder, run: "a", total: 7).end(.cancelled)
        #expect(try lines().map(\.event) == [.started, .cancelled])
        #expect(try lines().last?.record == nil)
        _ = ProgressWriter(folder, run: "a", total: 9)
        #expect(try lines().map(\.total) == [9])
        folder.refuse("a", reason: "the timing plan: the plan has no steps")
        #expect(try lines().map(\.event) == [.failed])
        #expect(try lines().last?.reason == "the timing plan: the plan has no steps")
    }

    @Test("The record of a died run is completed, and the line follows one that was cut short")
    func completed() throws {
        _ = ProgressWriter(folder, run: "a", total: 7)
        let file = records.appendingPathComponent("a.progress.jsonl")
        try Data((try text() + #"{"event":"mom"#).utf8).write(to: file)
        folder.complete(try died("a", incomplete: nil))
        let last = try #require(try text().split(separator: "\n").last)
        let line = try JSONDecoder().decode(ProgressLine.self, from: Data(last.utf8))
        #expect(line.event == .finished && line.record == "Documents/levit/records/a.json" && line.reason == nil)
        let record = try String(contentsOf: records.appendingPathComponent("a.json"), encoding: .utf8)
        #expect(try TimingRecord.read(record).timings.last?.notRun == "the process died while loading")
    }

    @Test("A died run that no host has asked for has a record and no lines")
    func unwatched() throws {
        folder.complete(try died("a", incomplete: "the app has not finished the run"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: records.path) == ["a.json"])
        let record = try String(contentsOf: records.appendingPathComponent("a.json"), encoding: .utf8)
        let name = try #require(try TimingRecord.read(record).timings.last?.name)
        #expect(try TimingRecord.read(record).incomplete == "the process died while loading (\(name))")
    }

    @Test("A died run without a record has a line with the reason")
    func lost() throws {
        _ = ProgressWriter(folder, run: "a", total: 7)
        folder.complete(DiedStep(step: "b-cpu1", reason: "the process died while loading", record: "a"))
        folder.complete(DiedStep(step: "b-cpu1", reason: "the process died while loading"))
        #expect(try lines().map(\.event) == [.started, .failed])
        #expect(try lines().last?.reason == "the process died while loading (b-cpu1)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: records.path) == ["a.progress.jsonl"])
    }

    private func died(_ run: String, incomplete: String?) throws -> DiedStep {
        var record = try TimingRecord.read(TestData.text("timing/not-run.json"))
        (record.incomplete, record.against) = (incomplete, [])
        let marker = RunMarker(place.url.appendingPathComponent("state"))
        let step = try #require(record.timings.last?.name)
        try marker.begin(step, doing: "loading", record: run, pending: record)
        let died = try #require(marker.takeDied())
        #expect(died.pending == record && marker.takeDied() == nil)
        return died
    }
}

private final class Clock: @unchecked Sendable {
    private let lock = NSLock()
    private var ns: UInt64 = 0
    func now() -> UInt64 { lock.withLock { ns } }
    func wait(seconds: Double) { lock.withLock { ns += UInt64(seconds * 1e9) } }
}
