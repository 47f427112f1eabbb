import Foundation
import LevitMobileKit

/// The user's choices, which stay when the app ends.
///
/// What cannot be read, such as a value of a later version of the app, counts as not chosen.
@MainActor
struct KeptChoices {
    private static let (choiceKey, benchmarkKey) = ("choice", "benchmark")
    private let defaults: UserDefaults

    /// - Parameter defaults: Where they are kept.
    init(_ defaults: UserDefaults = .standard) {
        self.defaults = defaults
    }

    /// What classifies camera frames and photos; nil until the user chooses.
    var choice: Choice? {
        get { defaults.dictionary(forKey: Self.choiceKey).flatMap(Choice.init(kept:)) }
        nonmutating set { defaults.set(newValue?.kept, forKey: Self.choiceKey) }
    }

    /// What is timed; nil until the user chooses.
    var benchmark: BenchmarkChoices? {
        get { defaults.dictionary(forKey: Self.benchmarkKey).flatMap(BenchmarkChoices.init(kept:)) }
        nonmutating set { defaults.set(newValue?.kept, forKey: Self.benchmarkKey) }
    }
}

extension Choice {
    fileprivate var kept: [String: Any] {
        ["bundle": bundle ?? "", "accelerator": accelerator.rawValue, "threads": threads]
    }

    fileprivate init?(kept: [String: Any]) {
        guard let bundle = kept["bundle"] as? String, let threads = kept["threads"] as? Int, threads >= 1,
            let accelerator = (kept["accelerator"] as? String).flatMap(Accelerator.init(rawValue:))
        else { return nil }
        self.init(bundle: bundle.isEmpty ? nil : bundle, accelerator: accelerator, threads: threads)
    }
}

extension BenchmarkChoices {
    fileprivate var kept: [String: Any] {
        [
            "bundles": bundles.sorted(), "accelerators": accelerators.map(\.rawValue).sorted(),
            "threads": threads.sorted(), "rounds": rounds,
        ]
    }

    fileprivate init?(kept: [String: Any]) {
        guard let bundles = kept["bundles"] as? [String], let names = kept["accelerators"] as? [String],
            let threads = kept["threads"] as? [Int], let rounds = kept["rounds"] as? Int,
            Self.threads.filter(threads.contains).count == threads.count, Self.rounds.contains(rounds)
        else { return nil }
        self.init(
            bundles: Set(bundles), accelerators: Set(names.compactMap(Accelerator.init(rawValue:))),
            threads: Set(threads), rounds: rounds)
    }
}
