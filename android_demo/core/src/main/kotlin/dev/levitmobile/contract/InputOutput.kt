package dev.levitmobile.contract

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** real = (stored - zeroPoint) * scale. */
@Serializable
public data class Quantization(
    val scale: Double,
    @SerialName("zero_point") val zeroPoint: Int,
)

/** What the app hands to the artifact: one image. */
@Serializable
public data class Input(
    val name: String,
    /** Four sizes in the order of [layout]. */
    val shape: List<Int>,
    val layout: Layout,
    val dtype: InputType,
    /** Values of a black and of a full pixel, as real numbers also where the input is int8. */
    val range: List<Double>,
    @SerialName("color_order") val colorOrder: ColorOrder = ColorOrder.RGB,
    @SerialName("memory_order") val memoryOrder: MemoryOrder = MemoryOrder.CONTIGUOUS,
    /** Scale and zero point of an int8 input; null for other types. */
    val quantization: Quantization? = null,
) {
    init {
        require(shape.size == 4) { "the input's shape has ${shape.size} sizes, expected 4" }
        require(range.size == 2) { "the input's range has ${range.size} values, expected 2" }
    }

    /** Height of the image in pixels. */
    val height: Int get() = if (layout == Layout.NCHW) shape[2] else shape[1]

    /** Width of the image in pixels. */
    val width: Int get() = if (layout == Layout.NCHW) shape[3] else shape[2]
}

/** Order of the dimensions: batch N, channels C, height H, width W. */
@Serializable
public enum class Layout { NCHW, NHWC }

/** Order of the colour channels. */
@Serializable
public enum class ColorOrder { RGB, }

/** Order of the values in memory. */
@Serializable
public enum class MemoryOrder {
    @SerialName("contiguous")
    CONTIGUOUS,

    @SerialName("channels last")
    CHANNELS_LAST,
}

/** Type of the input's values; [IMAGE] is a Core ML image, which Android does not have. */
@Serializable
public enum class InputType {
    @SerialName("float32")
    FLOAT32,

    @SerialName("float16")
    FLOAT16,

    @SerialName("int8")
    INT8,

    @SerialName("image")
    IMAGE,
}

/** Type of the output's values. */
@Serializable
public enum class OutputType {
    @SerialName("float32")
    FLOAT32,

    @SerialName("float16")
    FLOAT16,

    @SerialName("int8")
    INT8,
}

/** Meaning of the output's values. */
@Serializable
public enum class Meaning {
    @SerialName("logits")
    LOGITS,
}

/** What makes probabilities of the logits. */
@Serializable
public enum class Head {
    @SerialName("softmax")
    SOFTMAX,

    @SerialName("sigmoid")
    SIGMOID,

    @SerialName("none")
    NONE,
}

/** Where the labels came from. */
@Serializable
public enum class LabelsSource {
    @SerialName("file")
    FILE,

    @SerialName("checkpoint")
    CHECKPOINT,

    @SerialName("published")
    PUBLISHED,

    @SerialName("placeholder")
    PLACEHOLDER,
}

/** What the app gets: logits in the order of the labels file. */
@Serializable
public data class Output(
    val name: String,
    /** Batch and number of classes. */
    val shape: List<Int>,
    val dtype: OutputType,
    val meaning: Meaning = Meaning.LOGITS,
    /** Scale and zero point of an int8 output; null for other types. */
    val quantization: Quantization? = null,
    val head: Head = Head.SOFTMAX,
    @SerialName("labels_source") val labelsSource: LabelsSource? = null,
    /** File in the bundle with one label per line, in class order. */
    @SerialName("labels_file") val labelsFile: String = "labels.txt",
    @SerialName("labels_sha256") val labelsSha256: String,
) {
    init {
        require(shape.size == 2) { "the output's shape has ${shape.size} sizes, expected 2" }
        requireDigest("labels_sha256", labelsSha256)
    }
}
