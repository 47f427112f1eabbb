import LevitMobileKit

/// What the user chose to time.
struct BenchmarkChoices: Sendable, Equatable {
    /// Names of the bundles.
    var bundles: Set<String> = []
    /// Where they run.
    var accelerators: Set<Accelerator> = [.cpu]
    /// Numbers of CPU threads; Core ML chooses by itself.
    var threads: Set<Int> = [1]
    /// Rounds that are kept.
    var rounds = 50

    /// Numbers of threads to choose from.
    static let threads = [1, 2, 4]
    /// Numbers of rounds to choose from.
    static let rounds = [20, 50, 200]

    /// The steps in the order of the entries; the number of threads means nothing for Core ML.
    func steps(_ entries: [BundleEntry]) -> [TimingStep] {
        entries.filter { bundles.contains($0.name) && $0.failure == nil }.flatMap { entry in
            entry.accelerators.filter(accelerators.contains).flatMap { steps(entry, $0) }
        }
    }

    /// The plan; nil where nothing is left to time.
    func plan(_ entries: [BundleEntry]) -> TimingPlan? {
        let steps = steps(entries)
        return steps.isEmpty ? nil : TimingPlan(steps: steps, rounds: rounds)
    }

    private func steps(_ entry: BundleEntry, _ accelerator: Accelerator) -> [TimingStep] {
        if !entry.hasThreads { return [TimingStep(entry.name, accelerator)] }
        return threads.sorted().map { TimingStep(entry.name, accelerator, threads: $0) }
    }
}
