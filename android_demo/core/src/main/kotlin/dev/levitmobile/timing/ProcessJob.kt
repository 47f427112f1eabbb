package dev.levitmobile.timing

import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.STRICT
import dev.levitmobile.contract.Verdict
import dev.levitmobile.contract.strictly
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/**
 * What one process of a benchmark does: its share of one step's rounds.
 *
 * @property step The step.
 * @property start Number of the process among those of the step, from 0.
 * @property rounds Rounds that are kept.
 * @property warmupRounds Rounds before them that are not kept.
 * @property picturePx Width and height in pixels of the image that end-to-end timing begins with.
 * @property seed Seed of that image's pixels.
 */
@Serializable
public data class ProcessJob(
    val step: TimingStep,
    val start: Int,
    val rounds: Int,
    @SerialName("warmup_rounds") val warmupRounds: Int,
    @SerialName("picture_px") val picturePx: List<Int>,
    val seed: Long,
) {
    /** The job as JSON, for the other process. */
    public fun write(): String = STRICT.encodeToString(serializer(), this)

    public companion object {
        /** Read a job. Throws [FormatException]. */
        public fun read(text: String): ProcessJob = strictly("the job of a process") { STRICT.decodeFromString(serializer(), text) }
    }
}

/** What a process does at a moment; [doing] completes the sentence "the process died while ...". */
public enum class ProcessPhase(
    public val doing: String,
) {
    STARTING("starting"),
    LOADING("loading the artifact"),
    CHECKING("running the golden images"),
    WARMING_UP("warming up"),
    TIMING("running the timed rounds"),
}

/**
 * What one process measured. With [notRun] there are no times.
 *
 * @property parity What the artifact computed in this process.
 * @property loadMs Time from the file to a model that can run, in ms.
 * @property firstRunMs Time of the first inference after it, in ms.
 * @property memoryBeforeBytes Resident memory before loading; null when unknown.
 * @property peakMemoryBytes Peak resident memory until the first inference ended; null when unknown.
 * @property pssBytes Proportional set size after the first inference; null when unknown.
 * @property samplesMs The runtime's own call with the input in place, one sample per round, in ms.
 * @property endToEndMs From a decoded image in memory to float logits, one sample per round, in ms.
 * @property preprocessMs The resize and the crop in each of [endToEndMs], in ms.
 * @property notRun Why there are no times.
 * @property notes Remarks for the reader, one sentence each.
 */
@Serializable
public data class ProcessResult(
    val parity: Parity,
    @SerialName("load_ms") val loadMs: Double? = null,
    @SerialName("first_run_ms") val firstRunMs: Double? = null,
    @SerialName("memory_before_bytes") val memoryBeforeBytes: Long? = null,
    @SerialName("peak_memory_bytes") val peakMemoryBytes: Long? = null,
    @SerialName("pss_bytes") val pssBytes: Long? = null,
    @SerialName("samples_ms") val samplesMs: List<Double> = emptyList(),
    @SerialName("end_to_end_ms") val endToEndMs: List<Double> = emptyList(),
    @SerialName("preprocess_ms") val preprocessMs: List<Double> = emptyList(),
    @SerialName("not_run") val notRun: String? = null,
    val notes: List<String> = emptyList(),
) {
    /** The result as JSON, for the process that started this one. */
    public fun write(): String = STRICT.encodeToString(serializer(), this)

    public companion object {
        /** Read a result. Throws [FormatException]. */
        public fun read(text: String): ProcessResult = strictly("the result of a process") { STRICT.decodeFromString(serializer(), text) }

        /** A process that timed nothing. */
        public fun untimed(
            verdict: Verdict,
            reason: String,
            notes: List<String> = emptyList(),
        ): ProcessResult = ProcessResult(Parity(verdict, listOf(reason)), notRun = reason, notes = notes)
    }
}

/** How a process ended. */
public sealed interface ProcessEnd {
    /** It ran to its end. */
    public data class Finished(
        val result: ProcessResult,
    ) : ProcessEnd

    /**
     * It died, as a graphics driver can cause it.
     *
     * @property reason A sentence without a full stop, such as "the process died while loading the artifact".
     */
    public data class Died(
        val reason: String,
    ) : ProcessEnd
}
