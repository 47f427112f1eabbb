package dev.levitmobile.demo.benchmark

import dev.levitmobile.demo.bundles.BundleEntry
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingStep

/**
 * What the user chose to time.
 *
 * @property bundles Names of the bundles.
 * @property accelerators Where they run.
 * @property threads Numbers of CPU threads.
 * @property rounds Rounds that are kept.
 */
data class BenchmarkChoices(
    val bundles: Set<String> = emptySet(),
    val accelerators: Set<Accelerator> = setOf(Accelerator.CPU),
    val threads: Set<Int> = setOf(1),
    val rounds: Int = 50,
) {
    /** The steps in the order of [entries]; the number of threads means nothing on the GPU. */
    fun steps(entries: List<BundleEntry>): List<TimingStep> =
        entries.filter { it.name in bundles && it.failure == null }.flatMap { entry ->
            entry.accelerators.filter { it in accelerators }.flatMap { steps(entry.name, it) }
        }

    /** The plan; null where nothing is left to time. */
    fun plan(entries: List<BundleEntry>): TimingPlan? {
        val steps = steps(entries)
        return if (steps.isEmpty()) null else TimingPlan(steps = steps, rounds = rounds)
    }

    private fun steps(
        bundle: String,
        accelerator: Accelerator,
    ): List<TimingStep> =
        when (accelerator) {
            Accelerator.CPU -> threads.sorted().map { TimingStep(bundle, accelerator, it) }
            Accelerator.GPU -> listOf(TimingStep(bundle, accelerator))
        }

    companion object {
        /** Numbers of threads to choose from. */
        val THREADS: List<Int> = listOf(1, 2, 4)

        /** Numbers of rounds to choose from. */
        val ROUNDS: List<Int> = listOf(20, 50, 200)
    }
}
