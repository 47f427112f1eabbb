package dev.levitmobile.timing

import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive

/**
 * How far a benchmark is.
 *
 * @property done Rounds done, the warm-up included.
 * @property total All rounds.
 * @property coolingMs Time waited for the device to cool before this round, in ms; 0 while it runs.
 */
public data class BenchmarkProgress(
    val done: Int,
    val total: Int,
    val coolingMs: Long = 0,
)

/**
 * What a benchmark returns.
 *
 * @property samplesMs Samples of each step in ms, in the order in which they were taken.
 * @property stopped Why it ended early; null if all rounds ran.
 */
public data class BenchmarkResult(
    val samplesMs: List<List<Double>>,
    val stopped: String?,
)

/**
 * Times the steps of a plan in turn, all in this process; [TimingSession] gives each step processes of its own.
 *
 * @param clock Monotonic time in ns, such as `System::nanoTime`.
 * @param pause Waits for a time in ms, such as `kotlinx.coroutines.delay`.
 * @param heat Thermal status and headroom of the device now; null for what is unknown.
 */
public class Benchmark(
    private val clock: () -> Long = System::nanoTime,
    private val pause: suspend (Long) -> Unit,
    private val heat: () -> Pair<Thermal?, Double?>,
) {
    /**
     * Run all rounds; cancellable between two inferences.
     *
     * @param plan What is done.
     * @param calls One inference of each step, with its input in place.
     * @param progress Called after every round and while the device cools.
     */
    public suspend fun run(
        plan: TimingPlan,
        calls: List<() -> Unit>,
        progress: (BenchmarkProgress) -> Unit = {},
    ): BenchmarkResult {
        require(calls.size == plan.steps.size) { "there are ${calls.size} calls, expected ${plan.steps.size}" }
        val samples = List(calls.size) { ArrayList<Double>(plan.rounds) }
        val orders = plan.orders()
        val gate = CoolDownGate(plan.coolDown, heat, pause)
        for ((round, order) in orders.withIndex()) {
            gate.pass { waitedMs, _ -> progress(BenchmarkProgress(round, orders.size, waitedMs)) }?.let {
                return BenchmarkResult(samples, it)
            }
            for (step in order) {
                currentCoroutineContext().ensureActive()
                val elapsed = timed(calls[step])
                if (round >= plan.warmupRounds) samples[step].add(elapsed)
            }
            progress(BenchmarkProgress(round + 1, orders.size))
        }
        return BenchmarkResult(samples, null)
    }

    /** Time one call in ms. */
    public fun timed(call: () -> Unit): Double {
        val start = clock()
        call()
        return (clock() - start) / 1e6
    }
}
