package dev.levitmobile.timing

import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.STRICT
import dev.levitmobile.contract.Verdict
import dev.levitmobile.contract.requireDigest
import dev.levitmobile.contract.schemaVersion
import dev.levitmobile.contract.strictly
import dev.levitmobile.contract.unknownVersion
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import java.time.OffsetDateTime
import java.time.format.DateTimeParseException

/**
 * One run on one device: the fields of `timing.schema.json`, by the same names.
 *
 * It holds what was measured, in order, and no statistics. A new optional field of the schema is one line in the class
 * of its object, with a default; a test compares the classes with the schema.
 */
@Serializable
public data class TimingRecord(
    @SerialName("schema_version") val schemaVersion: Int,
    /** What measured the times. */
    val app: App,
    /** Start of the run in UTC, such as `2026-01-31T12:00:00Z`. */
    @SerialName("started_at") val startedAt: String,
    val device: Device,
    /** State of the device before the run. */
    val before: Conditions,
    /** State of the device after the run. */
    val after: Conditions,
    /** States of the device at moments of the run, in order; empty where none was recorded. */
    val during: List<Conditions> = emptyList(),
    /** How long the run waited in all for the device to cool, in s; null when it was not asked to wait. */
    @SerialName("cooling_s") val coolingS: Double? = null,
    /** Numbers of the CPU cores that the run was pinned to; empty for none. */
    val cores: List<Int> = emptyList(),
    /** Whether every round timed each artifact once, in turn. */
    val interleaved: Boolean,
    /** Why the run ended early, such as a phone that was unplugged; null for a complete run. */
    val incomplete: String? = null,
    /** Command line that repeats the run. */
    val command: String = "",
    /** Names of the timings that the others are compared with. */
    val against: List<String> = emptyList(),
    /** One entry per artifact and accelerator. */
    val timings: List<Timing>,
    /** Version of each package that took part, by name. */
    val versions: Map<String, String> = emptyMap(),
) {
    init {
        require(schemaVersion == SCHEMA_VERSION) { "schema_version is $schemaVersion, expected $SCHEMA_VERSION" }
        requireMoment(startedAt)
        require(coolingS == null || coolingS >= 0) { "cooling_s is $coolingS, expected 0 or more" }
        val names = timings.map { it.name }
        require(names.toSet().size == names.size) { "two timings have the same name, expected unique ones" }
        val unknown = against - names.toSet()
        require(unknown.isEmpty()) { "against names timings that do not exist: ${unknown.joinToString()}" }
    }

    /** The record as JSON, with every field. */
    public fun write(): String = STRICT.encodeToString(serializer(), this) + "\n"

    public companion object {
        /** The version that is read and written. */
        public const val SCHEMA_VERSION: Int = 2

        /**
         * Read a record of schema 1 or 2; one of schema 1 lacks the fields of schema 2.
         *
         * @throws FormatException The text is not JSON, has an unknown `schema_version`, a field too many, one too few,
         *   or a value out of its range.
         */
        public fun read(text: String): TimingRecord =
            strictly("the timing record") {
                val stated = STRICT.parseToJsonElement(text)
                val version = schemaVersion(stated)
                require(version == 1 || version == SCHEMA_VERSION) { unknownVersion(stated, "1 or $SCHEMA_VERSION") }
                STRICT.decodeFromJsonElement(serializer(), if (version == 1) upgraded(stated as JsonObject) else stated)
            }

        private fun upgraded(old: JsonObject): JsonObject {
            val parts = mapOf("the record" to old) + SINCE_SCHEMA_2.keys.associateWith { (old[it] as? JsonObject).orEmpty() }
            val timings = (old["timings"] as? JsonArray).orEmpty().map { "a timing" to (it as? JsonObject).orEmpty() }
            for ((part, fields) in parts.toList() + timings) {
                val later = fields.keys.intersect(SINCE_SCHEMA_2[part] ?: RUN_SINCE_SCHEMA_2)
                require(later.isEmpty()) { "$part has ${later.joinToString()}, which schema 1 does not have" }
            }
            return JsonObject(old + ("schema_version" to JsonPrimitive(SCHEMA_VERSION)))
        }

        private val RUN_SINCE_SCHEMA_2 = setOf("during", "cooling_s", "incomplete")
        private val CONDITIONS_SINCE_SCHEMA_2 =
            setOf(
                "core_khz",
                "core_limit_khz",
                "thermal_headroom",
                "hottest_celsius",
                "battery_celsius",
                "screen_on",
                "fixed_performance_mode",
            )
        private val SINCE_SCHEMA_2 =
            mapOf(
                "a timing" to setOf("pss_bytes", "preprocess_samples_ms"),
                "app" to setOf("debuggable"),
                "device" to setOf("emulated_cores", "core_max_khz"),
                "before" to CONDITIONS_SINCE_SCHEMA_2,
                "after" to CONDITIONS_SINCE_SCHEMA_2,
            )
    }
}

/** The app's identifier and version. */
@Serializable
public data class App(
    val name: String,
    val version: String,
    /** Whether it is a debuggable build, whose own code is slower; null when unknown. */
    val debuggable: Boolean? = null,
)

/** What the artifact computes on this device, on golden images, compared with the trained model's logits. */
@Serializable
public data class Parity(
    val verdict: Verdict,
    /** Why the verdict is not proven, one sentence each. */
    val reasons: List<String> = emptyList(),
    /** What the logits were compared with. */
    val against: String = "",
    /** Number of golden images compared. */
    val pictures: Int = 0,
    /** Largest error of any logit; null when not measured. */
    @SerialName("max_abs_error") val maxAbsError: Double? = null,
    /** SQNR in dB; null when not measured, or without any error. */
    @SerialName("sqnr_db") val sqnrDb: Double? = null,
    /** Share of images with the same top class, 0 to 1; null when not measured. */
    @SerialName("top1_agreement") val top1Agreement: Double? = null,
) {
    init {
        require(pictures >= 0) { "pictures is $pictures, expected 0 or more" }
        require(maxAbsError == null || maxAbsError >= 0) { "max_abs_error is $maxAbsError, expected 0 or more" }
        require(top1Agreement == null || top1Agreement in 0.0..1.0) { "top1_agreement is $top1Agreement, expected 0 to 1" }
    }
}

/** One block of the model in a profile. */
@Serializable
public data class Block(
    val name: String,
    /** Time that the block adds in ms, one sample per round. */
    @SerialName("samples_ms") val samplesMs: List<Double>,
    /** Number of ops of each kind. */
    val ops: Map<String, Int> = emptyMap(),
)

/** Time by block, in the order in which they run. */
@Serializable
public data class Profile(
    /** How the time was split into blocks. */
    val how: String,
    val blocks: List<Block>,
)

/** Processors that Core ML may use. */
@Serializable
public enum class ComputeUnits {
    @SerialName("cpuOnly")
    CPU_ONLY,

    @SerialName("cpuAndGPU")
    CPU_AND_GPU,

    @SerialName("cpuAndNeuralEngine")
    CPU_AND_NEURAL_ENGINE,

    @SerialName("all")
    ALL,
}

/**
 * One artifact on one accelerator. Without samples, [notRun] states why.
 *
 * [loadMs] is from the file to a model that can run, [firstRunMs] the first inference after it, each once per fresh
 * process. [samplesMs] is the runtime's own call with the input in place. [endToEndSamplesMs] is from a decoded image
 * in memory to float logits, and [preprocessSamplesMs] the resize and the crop in it.
 */
@Serializable
public data class Timing(
    /** Name of the timing, unique in the run. */
    val name: String,
    val file: String,
    val sha256: String,
    /** Size in bytes. */
    val bytes: Long,
    /** `executorch` or `tflite`. */
    val target: String,
    val variant: String? = null,
    val recipe: String? = null,
    @SerialName("contract_sha256") val contractSha256: String? = null,
    val runtime: String,
    @SerialName("runtime_version") val runtimeVersion: String,
    /** `xnnpack` or `gpu`. */
    val accelerator: String,
    /** Number of CPU threads, 1 or more; null for Core ML. */
    val threads: Int? = null,
    @SerialName("compute_units") val computeUnits: ComputeUnits? = null,
    val parity: Parity,
    @SerialName("load_ms") val loadMs: List<Double> = emptyList(),
    @SerialName("first_run_ms") val firstRunMs: List<Double> = emptyList(),
    @SerialName("memory_before_bytes") val memoryBeforeBytes: List<Long> = emptyList(),
    @SerialName("peak_memory_bytes") val peakMemoryBytes: List<Long> = emptyList(),
    /** Proportional set size after the first inference, once per fresh process. */
    @SerialName("pss_bytes") val pssBytes: List<Long> = emptyList(),
    @SerialName("input_shape") val inputShape: List<Int> = emptyList(),
    /** Inferences before the first sample, not kept. */
    @SerialName("warmup_runs") val warmupRuns: Int = 0,
    @SerialName("samples_ms") val samplesMs: List<Double> = emptyList(),
    /** Number of samples of each process, in order; empty for one process. */
    @SerialName("process_samples") val processSamples: List<Int> = emptyList(),
    @SerialName("end_to_end_samples_ms") val endToEndSamplesMs: List<Double> = emptyList(),
    @SerialName("preprocess_samples_ms") val preprocessSamplesMs: List<Double> = emptyList(),
    /** Width and height in pixels of the image that end to end begins with. */
    @SerialName("picture_px") val picturePx: List<Int>? = null,
    @SerialName("not_run") val notRun: String? = null,
    val profile: Profile? = null,
    /** Remarks for the reader, one sentence each. */
    val notes: List<String> = emptyList(),
) {
    init {
        requireDigest("sha256", sha256)
        contractSha256?.let { requireDigest("contract_sha256", it) }
        require(samplesMs.isEmpty() != notRun.isNullOrEmpty()) {
            "samples_ms and not_run are both present or both missing, expected one of the two"
        }
        require(processSamples.isEmpty() || processSamples.sum() == samplesMs.size) {
            "process_samples adds up to ${processSamples.sum()}, expected ${samplesMs.size}, the number of samples_ms"
        }
        require(samplesMs.isEmpty() || (threads == null) != (computeUnits == null)) {
            "threads and compute_units are both present or both missing, expected one of the two"
        }
        require(threads == null || threads >= 1) { "threads is $threads, expected 1 or more" }
        require(picturePx == null || picturePx.size == 2) { "picture_px is $picturePx, expected width and height" }
        requireCounts()
        requireTimes("load_ms", loadMs)
        requireTimes("first_run_ms", firstRunMs)
        requireTimes("samples_ms", samplesMs)
        requireTimes("end_to_end_samples_ms", endToEndSamplesMs)
        requireTimes("preprocess_samples_ms", preprocessSamplesMs)
    }

    private fun requireCounts() {
        require(bytes >= 0 && warmupRuns >= 0) { "bytes and warmup_runs are $bytes and $warmupRuns, expected 0 or more" }
        require((memoryBeforeBytes + peakMemoryBytes + pssBytes).all { it >= 0 }) { "a memory size is below 0 bytes" }
        require(inputShape.all { it >= 0 }) { "input_shape is $inputShape, expected sizes of 0 or more" }
        require(processSamples.all { it >= 1 }) { "process_samples is $processSamples, expected 1 or more each" }
    }
}

private fun requireTimes(
    field: String,
    times: List<Double>,
) {
    require(times.all { it >= 0 && it.isFinite() }) { "$field has a time that is not a number of 0 or more" }
}

private fun requireMoment(startedAt: String) {
    try {
        OffsetDateTime.parse(startedAt)
    } catch (error: DateTimeParseException) {
        throw IllegalArgumentException("started_at is $startedAt, expected UTC such as 2026-01-31T12:00:00Z", error)
    }
}
