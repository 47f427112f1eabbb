import Testing

@testable import LevitMobileKit

@Suite("ScreenState")
struct ScreenStateTests {
    private static let states: [(String, ScreenState<Int>)] = [
        ("loading", .loading), ("ready", .ready), ("running", .running(done: 1, total: 5)), ("result", .result(7)),
        ("failed", .failed(FailureReason(.noBundle))),
    ]
    private static let events: [String: ScreenEvent<Int>] = [
        "loaded": .loaded, "started": .started, "progressed": .progressed(done: 2, total: 5),
        "succeeded": .succeeded(8), "broke": .broke(FailureReason(.diskFull, detail: "levit")),
        "cancelled": .cancelled, "reloaded": .reloaded,
    ]

    /// State, then what each event makes of it; a dot means that nothing changes.
    private static let table = """
        .        loaded started    progressed   succeeded broke     cancelled reloaded
        loading  ready  .          .            .         disk-full .         .
        ready    .      running    .            .         disk-full .         loading
        running  .      .          running-2-5  result-8  disk-full ready     loading
        result   .      running    .            .         disk-full .         loading
        failed   .      .          .            .         disk-full .         loading
        """.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }

    @Test("Every event does in every state what the table states")
    func table() throws {
        #expect(Self.table.dropFirst().map { $0[0] } == Self.states.map(\.0))
        for (row, (_, state)) in zip(Self.table.dropFirst(), Self.states) {
            for (event, expected) in zip(Self.table[0], row).dropFirst() {
                let found = state.after(try #require(Self.events[event]))
                #expect(name(found) == (expected == "." ? name(state) : expected), "\(row[0]), \(event)")
            }
        }
    }

    @Test("A failure keeps its detail")
    func detail() {
        let reason = FailureReason(.diskFull, detail: "levit")
        #expect(ScreenState<Int>.loading.after(.broke(reason)) == .failed(reason))
    }

    private func name(_ state: ScreenState<Int>) -> String {
        switch state {
        case .loading: "loading"
        case .ready: "ready"
        case .running(let done, let total): total == 0 ? "running" : "running-\(done)-\(total)"
        case .result(let value): "result-\(value)"
        case .failed(let reason): reason.code.rawValue
        }
    }
}
