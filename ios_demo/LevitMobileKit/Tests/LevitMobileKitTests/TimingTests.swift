import Foundation
import Testing

@testable import LevitMobileKit

@Suite("TimingRecord and TimingPlan")
struct TimingTests {
    private let plan: TimingPlan = {
        TimingPlan(steps: [TimingStep("a"), TimingStep("b", .gpu)], rounds: 3, warmupRounds: 2)
    }()

    @Test("An accepted record survives reading and writing", arguments: TestData.vectors("timing.json", "accepted"))
    func roundTrip(vector: Vector) throws {
        let record = try TimingRecord.read(TestData.text(vector.text("file")))
        let written = try record.write()
        #expect(try TimingRecord.read(written) == record)
        if let equals = vector["equals"].string {
            #expect(try JSONValue(parsing: written).byValue == TestData.json(equals).byValue)
        }
    }

    @Test("The complete record is written as it was, with every field")
    func complete() throws {
        let written = try TimingRecord.read(TestData.text("timing/complete.json")).write()
        #expect(try JSONValue(parsing: written).byValue == TestData.json("timing/complete.json").byValue)
    }

    @Test("A damaged record is refused", arguments: TestData.vectors("timing.json", "refused"))
    func refused(vector: Vector) throws {
        let text = try vector["content"].text()
        #expect(sentence { try TimingRecord.read(text) }.hasPrefix("the timing record: "))
    }

    @Test("The reader accepts what the schema accepts, field by field")
    func schema() throws {
        let complete = try TestData.json("timing/complete.json")
        try SchemaCheck(schema: TestData.schema("timing"), complete: complete) { _ = try TimingRecord.read($0) }.run()
    }

    @Test("A record that an app makes is written, and a value out of its range is refused")
    func made() throws {
        let contract = try Contract.read(TestData.text("contracts/complete.json"))
        var timing = Timing(
            name: "levit-cpu", contract: contract, runtime: .coreML, runtimeVersion: "26.1", accelerator: "coreml",
            parity: Parity(verdict: .proven))
        timing.computeUnits = .cpuOnly
        timing.samplesMs = [1.5, 1.25]
        let device = Device(
            model: "iPhone16,1", soc: "A17 Pro", os: "iOS", osVersion: "26.1", osBuild: "23B82", cores: 6)
        var record = TimingRecord(
            app: AppVersion(name: "dev.levitmobile.demo", version: "1"), startedAt: "2026-01-31T12:00:00Z",
            device: device,
            before: Conditions(), after: Conditions(), interleaved: true, timings: [timing])
        let written = try record.write()
        #expect(try TimingRecord.read(written) == record)
        if let folder = ProcessInfo.processInfo.environment["LEVIT_WRITTEN"] {  // for Python to read
            try Data(written.utf8).write(to: URL(fileURLWithPath: folder).appendingPathComponent("timing.json"))
        }
        record.timings[0].samplesMs.append(-1)
        #expect(sentence { try record.write() }.contains("samples_ms has a time that is not a number of 0 or more"))
        record.timings[0].samplesMs = [.nan]
        #expect(throws: FormatError.self) { try record.write() }
    }

    @Test(
        "A moment needs its zone and a day that exists",
        arguments: [
            ("2026-01-31T12:00:00Z", true), ("2026-01-31T12:00:00.250+02:00", true), ("2026-01-31T12:00:00", false),
            ("2026-02-30T12:00:00Z", false), ("2026-01-31T24:00:00Z", false), ("2026-01-31", false), ("", false),
        ])
    func moments(text: String, isAccepted: Bool) {
        #expect(isMoment(text) == isAccepted)
    }

    @Test("Orders are drawn as in the other languages", arguments: TestData.vectors("order.json"))
    func orders(vector: Vector) throws {
        var drawn = DrawnOrder(seed: try vector.int("seed"))
        let count = try vector.int("count")
        for round in try #require(vector["rounds"].items) {
            #expect(drawn.next(count) == round.items?.compactMap(\.int))
        }
    }

    @Test("A plan survives JSON")
    func planRoundTrip() throws {
        #expect(try TimingPlan.read(plan.write()) == plan)
        let sparse = #"{"schema_version": 1, "steps": [{"bundle": "x"}]}"#
        let full = """
            {"schema_version": 1, "steps": [{"bundle": "x", "accelerator": "cpu", "threads": 1}], "rounds": 50,
             "warmup_rounds": 5, "starts": 5, "picture_px": [640, 480], "seed": 0, "cool_down":
             {"warmest": "light", "most_headroom": 0.85, "poll_ms": 10000, "longest_ms": 300000}}
            """
        let written = try TimingPlan.read(sparse).write()
        #expect(try JSONValue(parsing: written).byValue == JSONValue(parsing: full).byValue)
        #expect(plan.steps.map(\.name) == ["a-cpu1", "b-gpu"])
    }

    @Test(
        "A plan is read strictly",
        arguments: [
            #"{"schema_version": 2, "steps": [{"bundle": "x"}]}"#,
            #"{"steps": [{"bundle": "x"}]}"#,
            #"{"schema_version": 1, "steps": []}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}, {"bundle": "x"}]}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x", "accelerator": "nnapi"}]}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x", "threads": 0}]}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}], "rounds": 0}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}], "speed": 1}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}], "starts": 0}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}], "picture_px": [640]}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}], "picture_px": [640, 8193]}"#,
            #"{"schema_version": 1, "steps": [{"bundle": "x"}], "cool_down": {"warmest": "fair"}}"#,
        ])
    func planRefused(text: String) {
        #expect(throws: FormatError.self) { try TimingPlan.read(text) }
    }

    @Test("Every round has each step once, and the orders differ")
    func rounds() {
        var longer = plan
        longer.rounds = 40
        let orders = longer.orders()
        #expect(orders.count == 42)
        #expect(orders.allSatisfy { $0.sorted() == [0, 1] })
        #expect(Set(orders).count == 2)
    }
}
