package dev.levitmobile.image

import java.nio.ByteBuffer

/** What the levels of a YUV image mean, by BT.601. */
public enum class YuvRange(
    internal val y: Int,
    internal val red: Int,
    internal val greenU: Int,
    internal val greenV: Int,
    internal val blue: Int,
    internal val black: Int,
) {
    /** JPEG's: 0 to 255 for all three. */
    FULL(65536, 91881, 22554, 46802, 116130, 0),

    /** Video's: 16 to 235 for Y, 16 to 240 for U and V. */
    LIMITED(76309, 104597, 25675, 53279, 132201, 16),
}

/**
 * Planes as `ImageFormat.YUV_420_888` gives them, NV21 included: U and V have half of Y's size, rounded up.
 *
 * A pixel is `(factor of Y * (Y - black) + factors * (U - 128, V - 128) + 2^15) / 2^16`, clipped to 0..255; the factors
 * are BT.601's times 2^16, rounded. Each chroma sample colours its two by two pixels. Buffers are read from index 0 on.
 *
 * @param yRowStride Bytes from one row of Y to the next.
 * @param uvRowStride Bytes from one row of U, and of V, to the next.
 * @param uvPixelStride Bytes from one U to the next: 1 for planes, 2 for NV21 and NV12.
 */
public class YuvFrame(
    private val y: ByteBuffer,
    private val u: ByteBuffer,
    private val v: ByteBuffer,
    width: Int,
    height: Int,
    private val yRowStride: Int,
    private val uvRowStride: Int,
    private val uvPixelStride: Int,
    private val range: YuvRange,
) : Frame(width, height) {
    init {
        requireRoom("Y", y.limit(), yRowStride, width, height)
        require(uvPixelStride >= 1) { "the pixel stride is $uvPixelStride, expected 1 or more" }
        val row = (width + 1) / 2 * uvPixelStride - (uvPixelStride - 1)
        requireRoom("U", u.limit(), uvRowStride, row, (height + 1) / 2)
        requireRoom("V", v.limit(), uvRowStride, row, (height + 1) / 2)
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
        var column = x
        var row = y
        var out = at
        repeat(count) {
            val chroma = (row shr 1) * uvRowStride + (column shr 1) * uvPixelStride
            val light = ((this.y.get(row * yRowStride + column).toInt() and 0xff) - range.black) * range.y + (1 shl 15)
            val blueness = (u.get(chroma).toInt() and 0xff) - 128
            val redness = (v.get(chroma).toInt() and 0xff) - 128
            into[out] = clipped(light + range.red * redness)
            into[out + 1] = clipped(light - range.greenU * blueness - range.greenV * redness)
            into[out + 2] = clipped(light + range.blue * blueness)
            column += dx
            row += dy
            out += 3
        }
    }

    private fun clipped(sum: Int): Byte {
        val level = sum shr 16
        return (
            if (level < 0) {
                0
            } else if (level > 255) {
                255
            } else {
                level
            }
        ).toByte()
    }
}
