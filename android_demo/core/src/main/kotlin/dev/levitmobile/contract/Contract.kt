package dev.levitmobile.contract

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement

/**
 * `contract.json` of a bundle: all that an app must know about an artifact.
 *
 * The classes have the fields of `contract.schema.json` version 2, by the same names. [ContractJson] reads and writes
 * them; it also reads version 1.
 */
@Serializable
public data class Contract(
    /** Version of the format, always 2. */
    @SerialName("schema_version") val schemaVersion: Int,
    /** Version of levit-mobile that wrote the contract. */
    val tool: String,
    /** Name of the recipe, such as `tflite-int8`. */
    val recipe: String,
    val model: Model,
    val artifact: Artifact,
    val input: Input,
    val output: Output,
    val preprocessing: Preprocessing,
    /** What the int8 ranges were measured on; null for recipes without ranges. */
    val calibration: Calibration? = null,
    val tolerance: Tolerance,
    /** Images with their expected logits, to check the artifact on the device. */
    val golden: List<Golden>,
    /** Result of the proof that the conversion made. */
    val verdict: Verdict,
) {
    init {
        require(schemaVersion == SCHEMA_VERSION) { "schema_version is $schemaVersion, expected $SCHEMA_VERSION" }
        require(golden.size <= MOST_GOLDEN) { "golden has ${golden.size} entries, expected at most $MOST_GOLDEN" }
    }

    public companion object {
        /** The version that is written. */
        public const val SCHEMA_VERSION: Int = 2

        /** Largest number of golden images. */
        public const val MOST_GOLDEN: Int = 1000
    }
}

/** The trained model. */
@Serializable
public data class Model(
    /** Architecture, such as `levit`. */
    val family: String,
    /** Net of that family, such as `levit_128s`. */
    val variant: String,
    /** Widths, depths and so on: numbers or lists of numbers; null in a contract of schema 1. */
    val sizes: Map<String, JsonElement>? = null,
    /** Number of classes. */
    val classes: Int,
    /** Number of trained parameters. */
    val parameters: Long,
    /** Multiply-accumulates of one inference. */
    val macs: Long,
    @SerialName("checkpoint_sha256") val checkpointSha256: String,
    /** Layout of the checkpoint's keys, such as `timm`. */
    @SerialName("checkpoint_format") val checkpointFormat: String,
    /** Which of the checkpoint's weights were taken; null if it has one kind. */
    val weights: Weights? = null,
    /** Where the checkpoint came from. */
    val source: String,
) {
    init {
        requireDigest("checkpoint_sha256", checkpointSha256)
    }
}

/** Averaged or raw weights of a checkpoint. */
@Serializable
public enum class Weights {
    @SerialName("ema")
    EMA,

    @SerialName("raw")
    RAW,
}

/** The file that a phone runs. */
@Serializable
public data class Artifact(
    /** Name of the artifact inside the bundle. */
    val file: String,
    val sha256: String,
    /** Size in bytes. */
    val bytes: Long,
    /** Number of delegate partitions; null where the device decides. */
    val partitions: Int?,
    /** Version of each package that made the artifact, by name. */
    val toolchain: Map<String, String>,
    /** Oldest iOS that runs the artifact; null for targets other than Core ML. */
    @SerialName("minimum_ios") val minimumIos: Int? = null,
    /** What a core computes the float parts in; null where the artifact does not state it. */
    val arithmetic: Arithmetic? = null,
) {
    init {
        requireDigest("sha256", sha256)
    }
}

/** What the float parts of an artifact are computed in. */
@Serializable
public enum class Arithmetic {
    @SerialName("fp32")
    FLOAT32,

    /** float16 on a core that computes in it, float32 on others. */
    @SerialName("fp16 where the core has it")
    FLOAT16_WHERE_SUPPORTED,

    /** float16; a core without it refuses the artifact. */
    @SerialName("fp16")
    FLOAT16,
}

/** What int8 ranges were measured on. */
@Serializable
public data class Calibration(
    val source: String,
    val pictures: Int,
    @SerialName("pictures_sha256") val picturesSha256: String,
    val seed: Long,
    val observer: String,
    @SerialName("plan_file") val planFile: String = "plan.json",
    @SerialName("plan_sha256") val planSha256: String,
    @SerialName("for_release") val forRelease: Boolean,
    val concerns: List<String>,
) {
    init {
        requireDigest("pictures_sha256", picturesSha256)
        requireDigest("plan_sha256", planSha256)
    }
}

/** The bounds on the difference between an artifact and the trained model; null sets no bound. */
@Serializable
public data class Tolerance(
    /** Lowest SQNR of the logits in dB, above 0. */
    @SerialName("min_sqnr_db") val minSqnrDb: Double,
    /** Lowest share of images with the same top class, 0 to 1. */
    @SerialName("min_top1_agreement") val minTop1Agreement: Double,
    /** Lowest share of images whose reference class is in the top 5, 0 to 1. */
    @SerialName("min_top5_agreement") val minTop5Agreement: Double? = null,
    /** Lowest mean cosine similarity, -1 to 1. */
    @SerialName("min_cosine") val minCosine: Double? = null,
    /** Largest error of any logit. */
    @SerialName("max_abs_error") val maxAbsError: Double? = null,
    /** Largest mean error over all logits. */
    @SerialName("max_mean_abs_error") val maxMeanAbsError: Double? = null,
    /** Largest KL divergence in nats. */
    @SerialName("max_kl") val maxKl: Double? = null,
    /** Lowest top-1 accuracy; needs labelled images, so a device does not check it. */
    @SerialName("min_top1_accuracy") val minTop1Accuracy: Double? = null,
    /** Largest loss of top-1 accuracy; needs labelled images, so a device does not check it. */
    @SerialName("max_accuracy_drop") val maxAccuracyDrop: Double? = null,
) {
    init {
        require(minSqnrDb > 0 && minSqnrDb.isFinite()) { "min_sqnr_db is $minSqnrDb, expected a number above 0" }
        requireShare("min_top1_agreement", minTop1Agreement)
        requireShare("min_top5_agreement", minTop5Agreement)
        requireShare("min_top1_accuracy", minTop1Accuracy)
        requireShare("max_accuracy_drop", maxAccuracyDrop)
        require(minCosine == null || minCosine in -1.0..1.0) { "min_cosine is $minCosine, expected -1 to 1" }
        for (bound in listOfNotNull(maxAbsError, maxMeanAbsError, maxKl)) {
            require(bound >= 0 && bound.isFinite()) { "a largest error is $bound, expected 0 or more" }
        }
    }
}

/** A preprocessed image, uint8 [H,W,3], and the trained model's logits as little-endian float32. */
@Serializable
public data class Golden(
    val name: String,
    @SerialName("rgb8_file") val rgb8File: String,
    @SerialName("rgb8_sha256") val rgb8Sha256: String,
    /** Height, width and channels. */
    @SerialName("rgb8_shape") val rgb8Shape: List<Int>,
    @SerialName("logits_file") val logitsFile: String,
    @SerialName("logits_sha256") val logitsSha256: String,
    /** Number of logits. */
    @SerialName("logits_shape") val logitsShape: List<Int>,
) {
    init {
        require(rgb8Shape.size == 3) { "rgb8_shape has ${rgb8Shape.size} sizes, expected 3" }
        require(logitsShape.size == 1) { "logits_shape has ${logitsShape.size} sizes, expected 1" }
        requireDigest("rgb8_sha256", rgb8Sha256)
        requireDigest("logits_sha256", logitsSha256)
    }
}

/** What is known about an artifact. */
@Serializable
public enum class Verdict {
    /** It ran on a runtime that phones have, and every bound holds. */
    @SerialName("proven")
    PROVEN,

    /** A reference interpreter executed it, and every bound holds. */
    @SerialName("proven by reference")
    BY_REFERENCE,

    /** It does not run, or a bound does not hold. */
    @SerialName("broken")
    BROKEN,

    /** Nothing could run it, so nothing is known. */
    @SerialName("not run")
    NOT_RUN,
}

private val DIGEST = Regex("[0-9a-f]{64}")

internal fun requireDigest(
    field: String,
    value: String,
) {
    require(DIGEST.matches(value)) { "$field is $value, expected 64 hexadecimal digits" }
}

private fun requireShare(
    field: String,
    value: Double?,
) {
    require(value == null || value in 0.0..1.0) { "$field is $value, expected 0 to 1" }
}
