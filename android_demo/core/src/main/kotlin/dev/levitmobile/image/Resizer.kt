package dev.levitmobile.image

import dev.levitmobile.contract.CropRounding
import dev.levitmobile.contract.Preprocessing
import dev.levitmobile.contract.ResizeMode
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min

/** Long side / short side beyond which only the crop's own part of an image is resized. */
private const val ELONGATED = 64

/**
 * Resizes and crops an image exactly as `levit-mobile` does with Pillow: the bytes are equal.
 *
 * The filter is Pillow's antialiased bicubic or bilinear one in integers with 22 bits behind the point, across before
 * down. Where the crop is larger than the image, black surrounds it. Source of the method: Pillow's `Resample.c`; of
 * the sizes: torchvision's `Resize` for squares and timm's `ResizeKeepRatio` for rectangles.
 *
 * An instance keeps its working memory, so it allocates nothing while the images have one size. It is not thread-safe.
 *
 * @property preprocessing What is done.
 */
public class Resizer(
    public val preprocessing: Preprocessing,
) {
    private val across = Axis()
    private val down = Axis()
    private var scaled = ByteArray(0)
    private var width = -1
    private var height = -1

    /** Part of the upright image that decides the crop; valid after [plan]. */
    internal var left = 0
        private set
    internal var top = 0
        private set
    internal var columns = 0
        private set
    internal var rows = 0
        private set

    // The part of the crop that the image covers.
    private var insideLeft = 0
    private var insideTop = 0
    private var insideWidth = 0
    private var insideHeight = 0

    /**
     * Resize and crop an upright image.
     *
     * @param rgb Rows of RGB bytes.
     * @param width Width in pixels, 1 or more.
     * @param height Height in pixels, 1 or more.
     * @param rowStride Bytes from one row to the next, at least 3 x [width].
     * @param into Gets the pixels: cropHeight x cropWidth x 3 bytes.
     * @throws IllegalArgumentException An array is too short, [into] has another length, or a side of the image would
     *   have more than 2^31 pixels.
     */
    public fun resize(
        rgb: ByteArray,
        width: Int,
        height: Int,
        rowStride: Int = 3 * width,
        into: ByteArray,
    ) {
        require(width >= 1 && height >= 1) { "the image has $width x $height pixels, expected 1 or more" }
        require(rowStride >= 3 * width) { "the row stride is $rowStride bytes, expected ${3 * width} or more" }
        val needed = rowStride.toLong() * (height - 1) + 3L * width
        require(rgb.size >= needed) { "the image has ${rgb.size} bytes, expected $needed or more" }
        plan(width, height)
        scale(rgb, top * rowStride + 3 * left, rowStride, into)
    }

    /** Find out which part of an upright image is needed; the result is kept for the next image of the same size. */
    internal fun plan(
        width: Int,
        height: Int,
    ) {
        if (width == this.width && height == this.height) return
        val resizedWidth = resizedWidth(width, height)
        val resizedHeight = resizedHeight(width, height)
        this.width = width
        this.height = height
        val cropLeft = corner(resizedWidth, preprocessing.cropWidth)
        val cropTop = corner(resizedHeight, preprocessing.cropHeight)
        val firstColumn = max(cropLeft, 0)
        val firstRow = max(cropTop, 0)
        insideLeft = firstColumn - cropLeft
        insideTop = firstRow - cropTop
        insideWidth = min(cropLeft + preprocessing.cropWidth, resizedWidth) - firstColumn
        insideHeight = min(cropTop + preprocessing.cropHeight, resizedHeight) - firstRow
        val elongated = max(width, height).toLong() > ELONGATED.toLong() * min(width, height)
        if (preprocessing.mode == ResizeMode.SHORT_SIDE && elongated) {
            planPart(resizedWidth, resizedHeight, firstColumn, firstRow)
        } else {
            prepare(across, width, resizedWidth, firstColumn, insideWidth)
            prepare(down, height, resizedHeight, firstRow, insideHeight)
        }
        left = across.low
        top = down.low
        columns = across.high - across.low
        rows = down.high - down.low
        if (scaled.size < rows * insideWidth * 3) scaled = ByteArray(rows * insideWidth * 3)
    }

    private fun prepare(
        axis: Axis,
        size: Int,
        resized: Int,
        first: Int,
        count: Int,
    ): Unit = axis.prepare(0f, size.toFloat(), size, resized, first, count, 0, preprocessing.interpolation)

    /** Only the crop's part is scaled, with its corners as 32-bit floats, as Pillow's `resize(box=)` keeps them. */
    private fun planPart(
        resizedWidth: Int,
        resizedHeight: Int,
        firstColumn: Int,
        firstRow: Int,
    ) {
        val x = width.toDouble() / resizedWidth
        val y = height.toDouble() / resizedHeight
        val partLeft = firstColumn * x
        val partTop = firstRow * y
        val partRight = (firstColumn + insideWidth) * x
        val partBottom = (firstRow + insideHeight) * y
        val shrinking = maxOf((partRight - partLeft) / insideWidth, (partBottom - partTop) / insideHeight, 1.0)
        val reach = ceil(2 * shrinking).toInt() + 1
        preparePart(across, partLeft, partRight, width, insideWidth, reach)
        preparePart(down, partTop, partBottom, height, insideHeight, reach)
    }

    private fun preparePart(
        axis: Axis,
        from: Double,
        to: Double,
        size: Int,
        count: Int,
        reach: Int,
    ) {
        val first = max(floor(from).toInt() - reach, 0)
        val end = min(ceil(to).toInt() + reach, size)
        val near = end - first
        axis.prepare(
            (from - first).toFloat(),
            (to - first).toFloat(),
            near,
            count,
            0,
            count,
            first,
            preprocessing.interpolation,
        )
    }

    /** Scale the planned part, which begins at [start] in [rgb], into the crop. */
    internal fun scale(
        rgb: ByteArray,
        start: Int,
        rowStride: Int,
        into: ByteArray,
    ) {
        val stride = 3 * preprocessing.cropWidth
        val wanted = stride * preprocessing.cropHeight
        require(into.size == wanted) { "the target has ${into.size} bytes, expected $wanted" }
        if (insideWidth < preprocessing.cropWidth || insideHeight < preprocessing.cropHeight) into.fill(0)
        scaleAcross(rgb, start, rowStride, rows, across, insideWidth, scaled)
        scaleDown(scaled, 3 * insideWidth, down, insideHeight, into, insideTop * stride + 3 * insideLeft, stride)
    }

    private fun resizedWidth(
        width: Int,
        height: Int,
    ): Int =
        when (preprocessing.mode) {
            ResizeMode.NONE -> width
            ResizeMode.SQUASH -> preprocessing.width
            ResizeMode.SHORT_SIDE -> covering(width, width, height, preprocessing.width)
        }

    private fun resizedHeight(
        width: Int,
        height: Int,
    ): Int =
        when (preprocessing.mode) {
            ResizeMode.NONE -> height
            ResizeMode.SQUASH -> preprocessing.height
            ResizeMode.SHORT_SIDE -> covering(height, width, height, preprocessing.height)
        }

    /** One side of the image after scaling: truncated for a square, rounded for a rectangle. */
    private fun covering(
        side: Int,
        width: Int,
        height: Int,
        wanted: Int,
    ): Int {
        val covered =
            if (preprocessing.width == preprocessing.height) {
                floor((wanted.toLong() * side).toDouble() / min(width, height))
            } else {
                val ratio = min(width.toDouble() / preprocessing.width, height.toDouble() / preprocessing.height)
                max(Math.rint(side / ratio), 1.0)
            }
        require(covered < Int.MAX_VALUE) { "the image of $width x $height pixels is too elongated to be resized" }
        return covered.toInt()
    }

    /** Where the crop begins; below 0 where the image is smaller. */
    private fun corner(
        edge: Int,
        crop: Int,
    ): Int =
        when {
            preprocessing.cropRounding == CropRounding.DOWN -> Math.floorDiv(edge - crop, 2)
            edge >= crop -> Math.rint((edge - crop) / 2.0).toInt()
            else -> -((crop - edge) / 2)
        }
}
