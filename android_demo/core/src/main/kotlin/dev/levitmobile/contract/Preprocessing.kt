package dev.levitmobile.contract

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** How an image is scaled before the crop. */
@Serializable
public enum class ResizeMode {
    /** Keeps the shape; just covers height x width. */
    @SerialName("short side")
    SHORT_SIDE,

    /** Scales to exactly height x width. */
    @SerialName("squash")
    SQUASH,

    /** Does not scale. */
    @SerialName("none")
    NONE,
}

/** Filter of the resize. */
@Serializable
public enum class Interpolation {
    @SerialName("bicubic")
    BICUBIC,

    @SerialName("bilinear")
    BILINEAR,
}

/** Where the crop begins if half a pixel is left over. */
@Serializable
public enum class CropRounding {
    @SerialName("half even")
    HALF_EVEN,

    @SerialName("down")
    DOWN,
}

/**
 * From an image of any size to the input's: resized by [mode], then a rectangle from the centre.
 *
 * The graph normalises by itself: an app does not apply [mean], [std] and [rescale].
 */
@Serializable
public data class Preprocessing(
    val mode: ResizeMode,
    /** Height in pixels that [mode] scales to. */
    val height: Int,
    /** Width in pixels that [mode] scales to. */
    val width: Int,
    /** Height of the crop in pixels. */
    @SerialName("crop_height") val cropHeight: Int,
    /** Width of the crop in pixels. */
    @SerialName("crop_width") val cropWidth: Int,
    val interpolation: Interpolation,
    /** Always true: the filter widens when it makes an image smaller. */
    val antialias: Boolean,
    @SerialName("crop_rounding") val cropRounding: CropRounding,
    val mean: List<Double>,
    val std: List<Double>,
    val rescale: Double,
    /** Where all this was read. */
    val source: String,
) {
    init {
        require(minOf(height, width, cropHeight, cropWidth) >= 1) { "a size of the preprocessing is below 1 pixel" }
        require(antialias) { "antialias is false, expected true" }
        require(mean.size == 3 && std.size == 3) { "mean and std have ${mean.size} and ${std.size} values, expected 3" }
    }
}
