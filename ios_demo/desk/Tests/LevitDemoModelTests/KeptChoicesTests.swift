import Foundation
import LevitMobileKit
import Testing

@testable import LevitDemoModel

/// What the app knows after it was ended and started again.
@MainActor
@Suite("KeptChoices")
struct KeptChoicesTests {
    private let name = "levit-\(UUID().uuidString)"
    private let entries = [Sample.entry("a"), Sample.entry("b"), Sample.entry("c")]

    /// The choices as a new process reads them.
    private func kept(_ test: (KeptChoices) async throws -> Void) async throws {
        let defaults = try #require(UserDefaults(suiteName: name))
        try await test(KeptChoices(defaults))
        defaults.removePersistentDomain(forName: name)
    }

    private func benchmark(_ kept: KeptChoices) async -> BenchmarkModel {
        let model = BenchmarkModel(catalog: FakeCatalog { [entries] in entries }, runner: FakeRunner(), kept: kept)
        await model.load()
        return model
    }

    @Test("The chosen bundle, its accelerator and its threads stay")
    func choice() async throws {
        try await kept { kept in
            let first = DemoModel(FakeGraph(), kept: kept)
            #expect(first.selection.choice == Choice())
            let choice = Choice(bundle: "b", accelerator: .neuralEngine, threads: 2)
            first.selection.choose(choice)
            #expect(DemoModel(FakeGraph(), kept: kept).selection.choice == choice)
            #expect(DemoModel(FakeGraph()).selection.choice == Choice(), "nothing is shared without a place")
        }
    }

    @Test("What is timed stays, and a new bundle is timed too until the user chooses among them")
    func benchmark() async throws {
        try await kept { kept in
            let first = await benchmark(kept)
            first.toggle(.gpu)
            first.toggle(threads: 4)
            first.choose(rounds: 200)
            let second = await benchmark(kept)
            #expect(second.choices.bundles == ["a", "b", "c"])
            #expect(second.choices.accelerators == [.cpu, .gpu] && second.choices.threads == [1, 4])
            #expect(second.choices.rounds == 200)
            second.toggle(bundle: "a")
            #expect(await benchmark(kept).choices.bundles == ["b", "c"])
        }
    }

    @Test("Bundles that are gone count as not chosen")
    func gone() async throws {
        try await kept { kept in
            kept.benchmark = BenchmarkChoices(bundles: ["b", "old"])
            #expect(await benchmark(kept).choices.bundles == ["b"])
            kept.benchmark = BenchmarkChoices(bundles: ["old"])
            #expect(await benchmark(kept).choices.bundles == ["a", "b", "c"])
        }
    }

    @Test("Values that the app does not know count as not chosen")
    func unknown() async throws {
        let defaults = try #require(UserDefaults(suiteName: name))
        try await kept { kept in
            defaults.set(["bundle": "a", "accelerator": "tpu", "threads": 1], forKey: "choice")
            #expect(kept.choice == nil)
            defaults.set(["bundle": "a", "accelerator": "cpu", "threads": 0], forKey: "choice")
            #expect(kept.choice == nil)
            defaults.set("a", forKey: "choice")
            #expect(kept.choice == nil)
            kept.benchmark = BenchmarkChoices(rounds: 7)
            #expect(kept.benchmark == nil)
            kept.benchmark = BenchmarkChoices(threads: [3])
            #expect(kept.benchmark == nil)
        }
    }
}
