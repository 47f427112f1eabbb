package dev.levitmobile.demo.benchmark

import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.Thermal
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingStep
import kotlinx.coroutines.flow.StateFlow

/**
 * Runs benchmarks outside of the screen's process. One benchmark runs at a time, and it survives the screen.
 *
 * All functions return at once and may be called from the main thread.
 */
interface BenchmarkController {
    /**
     * The state of the last benchmark: [ScreenState.Ready] before the first one, [ScreenState.Running] with the rounds
     * of all steps, [ScreenState.Result] with the table, or [ScreenState.Failed].
     */
    val progress: StateFlow<ScreenState<BenchmarkRows>>

    /** What a running benchmark does now; its value means nothing in other states. */
    val moment: StateFlow<BenchmarkMoment>

    /**
     * Start a benchmark, unless one runs.
     *
     * @param plan What is timed.
     * @param record Name of the record's file without `.json`; null for a name made of the time.
     */
    fun start(
        plan: TimingPlan,
        record: String? = null,
    )

    /** Stop the benchmark that runs; its state becomes [ScreenState.Ready]. */
    fun cancel()

    /** Forget the result or the failure, so that the state becomes [ScreenState.Ready]. The record's file stays. */
    fun clear()
}

/** What a benchmark does at one moment. */
enum class BenchmarkPhase {
    /** The process of a step starts. */
    STARTING,

    /** The runtime loads the artifact. */
    LOADING,

    /** The golden images run on the step's accelerator. */
    CHECKING,

    /** The benchmark waits for the device to cool. */
    COOLING,

    /** Rounds that are not kept run. */
    WARMING_UP,

    /** Rounds that are kept run. */
    TIMING,
}

/**
 * One moment of a benchmark.
 *
 * @property phase What it does.
 * @property step The step that it does it for; null if it concerns all steps.
 * @property coolingMs Time waited for the device to cool before this round, in ms; 0 in other phases.
 * @property thermal Thermal status of the device; null when unknown.
 * @property finished Rows of the steps that are done, in the plan's order.
 */
data class BenchmarkMoment(
    val phase: BenchmarkPhase = BenchmarkPhase.STARTING,
    val step: TimingStep? = null,
    val coolingMs: Long = 0,
    val thermal: Thermal? = null,
    val finished: List<BenchmarkRow> = emptyList(),
)
