import Foundation
import Testing

@testable import LevitMobileKit

@Suite("LaunchRequest and HostFolder")
struct LaunchRequestTests {
    private let plan = TimingPlan(steps: [TimingStep("levit", .neuralEngine)], rounds: 4)

    @Test("An app that is started by hand is asked for nothing")
    func nothing() throws {
        #expect(try LaunchRequest.read(["/LevitDemo", "-AppleLanguages", "(en)"]) == nil)
    }

    @Test("A plan and the name of its record are read, and a request to clean up")
    func requests() throws {
        let arguments = ["/LevitDemo", "--levit-plan", try plan.write(), "--levit-record", "2026-01-31.a_b-1"]
        #expect(try LaunchRequest.read(arguments) == .run(plan, record: "2026-01-31.a_b-1"))
        #expect(try LaunchRequest.read(["/LevitDemo", "--levit-clean"]) == .clean(only: nil))
        #expect(try LaunchRequest.read(["--levit-clean", "-AppleLanguages", "(en)"]) == .clean(only: nil))
    }

    @Test("A list names what is removed")
    func list() throws {
        let paths = [
            "bundles/coreml-fp16", "bundles/coreml-fp16.copied", "records/a-0.json", "records/a-0.progress.jsonl",
            "bundles/Ärger mit Leerzeichen",
        ]
        let text = try JSONValue.array(paths.map { .string($0) }).text()
        #expect(try LaunchRequest.read(["/LevitDemo", "--levit-clean", text]) == .clean(only: paths))
        #expect(try LaunchRequest.read(["/LevitDemo", "--levit-clean", "[]"]) == .clean(only: []))
    }

    @Test(
        "A list with anything else is refused as a whole",
        arguments: [
            #"["records"]"#, #"["records/"]"#, #"["records/../a"]"#, #"["records/.a"]"#, #"["records/a/b"]"#,
            #"["/a"]"#,
            #"["other/a"]"#, #"["bundles/a", 1]"#, #"["bundles/a""#, #"[["bundles/a"]]"#, #"["records/a b"]"#,
            #"["bundles/.."]"#, #"["bundles/"]"#,
        ])
    func list(text: String) {
        #expect(throws: FormatError.self) { try LaunchRequest.read(["/LevitDemo", "--levit-clean", text]) }
    }

    @Test("The record's name is known where the plan is refused")
    func record() {
        #expect(LaunchRequest.record(["--levit-plan", "{}", "--levit-record", "a-1"]) == "a-1")
        #expect(LaunchRequest.record(["--levit-plan", "{}", "--levit-record", "../a"]) == nil)
        #expect(LaunchRequest.record(["--levit-plan", "{}", "--levit-record"]) == nil)
        #expect(LaunchRequest.record(["/LevitDemo"]) == nil)
    }

    @Test(
        "Other arguments are refused",
        arguments: [
            ["--levit-plan"], ["--levit-plan", "{}", "--levit-record", "a"], ["--levit-plan", "text"],
            ["--levit-plan", #"{"schema_version": 1, "steps": [{"bundle": "a"}]}"#],
        ])
    func refused(arguments: [String]) {
        #expect(throws: FormatError.self) { try LaunchRequest.read(arguments) }
    }

    @Test("A record's name cannot leave its folder", arguments: ["../a", "", ".a", "a/b", "a b"])
    func names(name: String) throws {
        let arguments = ["--levit-plan", try plan.write(), "--levit-record", name]
        #expect(throws: FormatError.self) { try LaunchRequest.read(arguments) }
    }

    @Test("The host's bundles are found, its records are written whole, and all is removed at the end")
    func folder() throws {
        let place = try TemporaryFolder()
        let folder = HostFolder(documents: place.url)
        #expect(folder.bundle("levit") == nil)
        try SampleBundle.write(to: place.url.appendingPathComponent("levit/bundles/levit"))
        #expect(try folder.bundle("levit").map { try LevitBundle(opening: $0).labels.count } == 3)
        let record = try TimingRecord.read(TestData.text("timing/complete.json"))
        let file = try folder.write(record, as: "a")
        #expect(file.path.hasSuffix("levit/records/a.json"))
        #expect(try TimingRecord.read(String(contentsOf: file, encoding: .utf8)) == record)
        try folder.clean()
        try folder.clean()
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path).isEmpty)
    }

    @Test("Only what a list names is removed, and what is missing is no error")
    func cleaned() throws {
        let place = try TemporaryFolder()
        let folder = HostFolder(documents: place.url)
        let record = try TimingRecord.read(TestData.text("timing/complete.json"))
        for name in ["a", "b"] { try folder.write(record, as: name) }
        try SampleBundle.write(to: place.url.appendingPathComponent("levit/bundles/levit"))
        try folder.clean(only: [])
        try folder.clean(only: ["bundles/levit", "bundles/other", "records/a.json", "records/a.progress.jsonl"])
        #expect(folder.bundle("levit") == nil)
        let records = place.url.appendingPathComponent("levit/records").path
        #expect(try FileManager.default.contentsOfDirectory(atPath: records) == ["b.json"])
    }
}
