package dev.levitmobile.timing

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json

/**
 * One line of `progress.jsonl` and of the log: what a benchmark does, for a computer that watches it.
 *
 * @property event What has happened.
 * @property run Name of the record without `.json`.
 * @property done Kept rounds of all steps that are done.
 * @property total All of them.
 * @property step Name of the step; null where it concerns all.
 * @property phase What the step's process does, in the words of [ProcessPhase.doing].
 * @property coolingMs Time waited for the device to cool, in ms.
 * @property record Path of the record on the device, once it is there.
 * @property reason Why it failed or ended early.
 */
@Serializable
public data class ProgressLine(
    val event: Event,
    val run: String,
    val done: Int = 0,
    val total: Int = 0,
    val step: String? = null,
    val phase: String? = null,
    @SerialName("cooling_ms") val coolingMs: Long? = null,
    val record: String? = null,
    val reason: String? = null,
) {
    /** What has happened. */
    @Serializable
    public enum class Event {
        /** The plan was accepted. */
        @SerialName("started")
        STARTED,

        /** The next phase of a process has begun, or the device has to cool. */
        @SerialName("moment")
        MOMENT,

        /** The record was written: after each process, and at the end. */
        @SerialName("measured")
        MEASURED,

        /** The run has ended, and the record is there. */
        @SerialName("finished")
        FINISHED,

        /** There is no record. */
        @SerialName("failed")
        FAILED,

        /** The user has cancelled the run. */
        @SerialName("cancelled")
        CANCELLED,
    }

    /** The line, without its end. */
    public fun write(): String = LINE.encodeToString(serializer(), this)

    private companion object {
        val LINE = Json { explicitNulls = false }
    }
}
