package dev.levitmobile.image

import java.nio.ByteBuffer

/**
 * An image in memory, as it is stored.
 *
 * Images with alpha are laid over white, because that is what people see.
 *
 * @property width Width in pixels, 1 or more.
 * @property height Height in pixels, 1 or more.
 */
public sealed class Frame(
    public val width: Int,
    public val height: Int,
) {
    init {
        require(width >= 1 && height >= 1) { "the image has $width x $height pixels, expected 1 or more" }
    }

    /** Write [count] pixels from (x, y) on, each one (dx, dy) further, as RGB to [into] from [at] on. */
    internal abstract fun read(
        x: Int,
        y: Int,
        dx: Int,
        dy: Int,
        count: Int,
        into: ByteArray,
        at: Int,
    )

    /** Write a rectangle of the upright image as packed RGB. */
    internal fun readUpright(
        orientation: Orientation,
        left: Int,
        top: Int,
        columns: Int,
        rows: Int,
        into: ByteArray,
    ) {
        val step = if (orientation.swapsSides) 0 else 1
        val dx = if (orientation.flipsX) -step else step
        val dy = if (orientation.flipsY) step - 1 else 1 - step
        for (row in 0 until rows) {
            val u = if (orientation.swapsSides) top + row else left
            val v = if (orientation.swapsSides) left else top + row
            val x = if (orientation.flipsX) width - 1 - u else u
            val y = if (orientation.flipsY) height - 1 - v else v
            read(x, y, dx, dy, columns, into, row * columns * 3)
        }
    }
}

/** Rows of RGB bytes, [rowStride] bytes apart. */
public class RgbFrame(
    private val bytes: ByteArray,
    width: Int,
    height: Int,
    private val rowStride: Int = 3 * width,
) : Frame(width, height) {
    init {
        requireRoom("RGB", bytes.size, rowStride, 3 * width, height)
    }

    override fun read(
        x: Int,
        y: Int,
        dx: Int,
        dy: Int,
        count: Int,
        into: ByteArray,
        at: Int,
    ) {
        var from = y * rowStride + 3 * x
        val step = dy * rowStride + 3 * dx
        var out = at
        repeat(count) {
            into[out] = bytes[from]
            into[out + 1] = bytes[from + 1]
            into[out + 2] = bytes[from + 2]
            from += step
            out += 3
        }
    }
}

/**
 * Colours as `Bitmap.getPixels` gives them: 0xAARRGGBB, not premultiplied.
 *
 * @param stride Pixels from one row to the next.
 */
public class ArgbFrame(
    private val pixels: IntArray,
    width: Int,
    height: Int,
    private val stride: Int = width,
) : Frame(width, height) {
    init {
        requireRoom("ARGB", pixels.size, stride, width, height)
    }

    override fun read(
        x: Int,
        y: Int,
        dx: Int,
        dy: Int,
        count: Int,
        into: ByteArray,
        at: Int,
    ) {
        var from = y * stride + x
        val step = dy * stride + dx
        var out = at
        repeat(count) {
            val pixel = pixels[from]
            val alpha = pixel ushr 24
            into[out] = overWhite(pixel ushr 16 and 0xff, alpha)
            into[out + 1] = overWhite(pixel ushr 8 and 0xff, alpha)
            into[out + 2] = overWhite(pixel and 0xff, alpha)
            from += step
            out += 3
        }
    }
}

/**
 * Rows of RGBA bytes, as CameraX's `OUTPUT_IMAGE_FORMAT_RGBA_8888` gives them.
 *
 * @param bytes Read from index 0 on; its position does not matter.
 * @param rowStride Bytes from one row to the next; often more than 4 x width.
 */
public class RgbaFrame(
    private val bytes: ByteBuffer,
    width: Int,
    height: Int,
    private val rowStride: Int = 4 * width,
) : Frame(width, height) {
    init {
        requireRoom("RGBA", bytes.limit(), rowStride, 4 * width, height)
    }

    override fun read(
        x: Int,
        y: Int,
        dx: Int,
        dy: Int,
        count: Int,
        into: ByteArray,
        at: Int,
    ) {
        var from = y * rowStride + 4 * x
        val step = dy * rowStride + 4 * dx
        var out = at
        repeat(count) {
            val alpha = bytes.get(from + 3).toInt() and 0xff
            into[out] = overWhite(bytes.get(from).toInt() and 0xff, alpha)
            into[out + 1] = overWhite(bytes.get(from + 1).toInt() and 0xff, alpha)
            into[out + 2] = overWhite(bytes.get(from + 2).toInt() and 0xff, alpha)
            from += step
            out += 3
        }
    }
}

/** A level laid over white, as Pillow's `alpha_composite` rounds it. */
private fun overWhite(
    level: Int,
    alpha: Int,
): Byte {
    if (alpha == 255) return level.toByte()
    val sum = (level * alpha + 255 * (255 - alpha) + 0x80) shl 7
    return (((sum shr 8) + sum) shr 8 shr 7).toByte()
}

internal fun requireRoom(
    name: String,
    size: Int,
    stride: Int,
    row: Int,
    height: Int,
) {
    require(stride >= row) { "the $name stride is $stride, expected $row or more" }
    val needed = stride.toLong() * (height - 1) + row
    require(size >= needed) { "the $name image has $size values, expected $needed or more" }
}
