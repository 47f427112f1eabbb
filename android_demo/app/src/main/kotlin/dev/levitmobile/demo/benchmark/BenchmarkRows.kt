package dev.levitmobile.demo.benchmark

import dev.levitmobile.contract.Verdict
import dev.levitmobile.timing.Summary
import dev.levitmobile.timing.Timing
import dev.levitmobile.timing.TimingRecord
import java.io.File

/** Whether a row has times, and if not, why. */
enum class Outcome {
    /** The self-check passed, and the step was timed. */
    TIMED,

    /** The self-check failed, so the step was not timed. */
    BROKEN,

    /** The device could not run the step, so nothing is known about it. */
    NOT_RUN,
}

/**
 * One step of a finished benchmark.
 *
 * @property name Name of the step, unique in the table.
 * @property accelerator `xnnpack` or `gpu`, as in the record.
 * @property threads Number of CPU threads; null when unknown.
 * @property outcome Whether it has times.
 * @property reasons Why it has none, one sentence each.
 * @property loadMs Time from the file to a model that can run, in ms.
 * @property firstRunMs Time of the first inference, in ms.
 * @property inference Statistics of the inference alone.
 * @property endToEnd Statistics from a decoded image to logits.
 * @property peakMemoryBytes Peak memory of the step's process in bytes.
 * @property notes Remarks on the times, one sentence each.
 * @property ratio Median divided by the fastest row's; null without times.
 */
data class BenchmarkRow(
    val name: String,
    val accelerator: String,
    val threads: Int?,
    val outcome: Outcome,
    val reasons: List<String> = emptyList(),
    val loadMs: Double? = null,
    val firstRunMs: Double? = null,
    val inference: Summary? = null,
    val endToEnd: Summary? = null,
    val peakMemoryBytes: Long? = null,
    val notes: List<String> = emptyList(),
    val ratio: Double? = null,
) {
    companion object {
        /** The row of a record's timing, without its [ratio]. */
        fun of(timing: Timing): BenchmarkRow =
            BenchmarkRow(
                name = timing.name,
                accelerator = timing.accelerator,
                threads = timing.threads,
                outcome = outcome(timing),
                reasons = listOfNotNull(timing.notRun) + (timing.parity.reasons - setOfNotNull(timing.notRun)),
                loadMs = timing.loadMs.firstOrNull(),
                firstRunMs = timing.firstRunMs.firstOrNull(),
                inference = Summary.of(timing.samplesMs),
                endToEnd = Summary.of(timing.endToEndSamplesMs),
                peakMemoryBytes = timing.peakMemoryBytes.maxOrNull(),
                notes = timing.notes,
            )

        private fun outcome(timing: Timing): Outcome =
            when {
                timing.parity.verdict == Verdict.BROKEN -> Outcome.BROKEN
                timing.samplesMs.isEmpty() -> Outcome.NOT_RUN
                else -> Outcome.TIMED
            }
    }
}

/**
 * The table of a finished benchmark.
 *
 * @property rows The timed rows, fastest first, then the others.
 * @property incomplete Why the benchmark ended early; null if all rounds ran.
 * @property coolingS Time waited for the device to cool, in s; null if it was not asked to wait.
 * @property record File of the timing record; null if it could not be written.
 */
data class BenchmarkRows(
    val rows: List<BenchmarkRow>,
    val incomplete: String? = null,
    val coolingS: Double? = null,
    val record: File? = null,
) {
    companion object {
        /** The table of a record. */
        fun of(
            record: TimingRecord,
            file: File?,
        ): BenchmarkRows = BenchmarkRows(sorted(record.timings.map(BenchmarkRow::of)), record.incomplete, record.coolingS, file)

        /** Rows by their medians, with their ratios to the fastest one. */
        internal fun sorted(rows: List<BenchmarkRow>): List<BenchmarkRow> {
            val timed = rows.filter { it.inference != null && it.outcome == Outcome.TIMED }.sortedBy { it.inference?.medianMs }
            val fastest = timed.firstOrNull()?.inference?.medianMs
            return timed.map { it.copy(ratio = ratio(it, fastest)) } + rows.filter { it !in timed }.sortedBy { it.outcome }
        }

        private fun ratio(
            row: BenchmarkRow,
            fastestMs: Double?,
        ): Double? {
            val median = row.inference?.medianMs ?: return null
            return if (fastestMs == null || fastestMs == 0.0) null else median / fastestMs
        }
    }
}
