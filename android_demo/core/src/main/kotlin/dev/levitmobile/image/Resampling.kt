package dev.levitmobile.image

import dev.levitmobile.contract.Interpolation
import kotlin.math.abs
import kotlin.math.ceil

/** Bits behind the point of a weight: 32 less 8 for the level and 2 for the bicubic filter's overshoot. */
private const val PRECISION_BITS = 22
private const val HALF = 1 shl (PRECISION_BITS - 1)

/**
 * The weights of one direction of a resize, as Pillow's `Resample.c` computes them: doubles, normalised to a sum of 1,
 * then rounded to integers of 22 bits behind the point.
 *
 * The arrays are kept and grow only when a larger image needs it.
 */
internal class Axis {
    /** First source index of each target index, relative to [low]. */
    var starts = IntArray(0)
        private set

    /** Number of weights of each target index. */
    var counts = IntArray(0)
        private set

    /** Weights of target index i from `i * taps` on. */
    var weights = IntArray(0)
        private set
    var taps = 0
        private set

    /** First source index that any weight reaches. */
    var low = 0
        private set

    /** One after the last source index that any weight reaches. */
    var high = 0
        private set
    private var exact = DoubleArray(0)

    /**
     * Compute the weights of target indices [first] until [first] + [count].
     *
     * @param from Where the scaled part begins in the source.
     * @param to Where it ends.
     * @param sourceSize Size of the source, which the filter does not leave.
     * @param targetSize Size that the part is scaled to.
     * @param offset Added to source indices.
     */
    fun prepare(
        from: Float,
        to: Float,
        sourceSize: Int,
        targetSize: Int,
        first: Int,
        count: Int,
        offset: Int,
        interpolation: Interpolation,
    ) {
        val scale = (to - from).toDouble() / targetSize
        val widened = maxOf(scale, 1.0)
        val support = (if (interpolation == Interpolation.BICUBIC) 2.0 else 1.0) * widened
        taps = ceil(support).toInt() * 2 + 1
        reserve(count)
        for (place in 0 until count) {
            val centre = from + (first + place + 0.5) * scale
            val start = maxOf((centre - support + 0.5).toInt(), 0)
            val end = minOf((centre + support + 0.5).toInt(), sourceSize)
            starts[place] = start + offset
            counts[place] = end - start
            weigh(place * taps, start, end - start, centre, 1.0 / widened, interpolation)
        }
        shiftToFirst(count)
    }

    private fun reserve(count: Int) {
        if (starts.size < count) {
            starts = IntArray(count)
            counts = IntArray(count)
        }
        if (weights.size < count * taps) weights = IntArray(count * taps)
        if (exact.size < taps) exact = DoubleArray(taps)
    }

    private fun weigh(
        at: Int,
        start: Int,
        count: Int,
        centre: Double,
        narrowed: Double,
        interpolation: Interpolation,
    ) {
        var sum = 0.0
        for (place in 0 until count) {
            val distance = (place + start - centre + 0.5) * narrowed
            exact[place] = if (interpolation == Interpolation.BICUBIC) bicubic(distance) else bilinear(distance)
            sum += exact[place]
        }
        for (place in 0 until count) {
            val weight = if (sum != 0.0) exact[place] / sum else exact[place]
            weights[at + place] = ((if (weight < 0) -0.5 else 0.5) + weight * (1 shl PRECISION_BITS)).toInt()
        }
    }

    private fun shiftToFirst(count: Int) {
        low = Int.MAX_VALUE
        high = Int.MIN_VALUE
        for (place in 0 until count) {
            low = minOf(low, starts[place])
            high = maxOf(high, starts[place] + counts[place])
        }
        for (place in 0 until count) starts[place] -= low
    }

    /** Keys' cubic convolution with a = -0.5. */
    private fun bicubic(distance: Double): Double {
        val x = abs(distance)
        return when {
            x < 1.0 -> ((-0.5 + 2.0) * x - (-0.5 + 3.0)) * x * x + 1
            x < 2.0 -> (((x - 5) * x + 8) * x - 4) * -0.5
            else -> 0.0
        }
    }

    private fun bilinear(distance: Double): Double = maxOf(1.0 - abs(distance), 0.0)
}

/** Scale rows of RGB across: [rows] rows of [source] -> [rows] rows of [columns] pixels in [target]. */
internal fun scaleAcross(
    source: ByteArray,
    sourceStart: Int,
    sourceStride: Int,
    rows: Int,
    axis: Axis,
    columns: Int,
    target: ByteArray,
) {
    val weights = axis.weights
    var out = 0
    for (row in 0 until rows) {
        val begin = sourceStart + row * sourceStride
        for (column in 0 until columns) {
            var red = HALF
            var green = HALF
            var blue = HALF
            var at = begin + 3 * axis.starts[column]
            val first = column * axis.taps
            for (place in first until first + axis.counts[column]) {
                val weight = weights[place]
                red += (source[at].toInt() and 0xff) * weight
                green += (source[at + 1].toInt() and 0xff) * weight
                blue += (source[at + 2].toInt() and 0xff) * weight
                at += 3
            }
            target[out] = level(red)
            target[out + 1] = level(green)
            target[out + 2] = level(blue)
            out += 3
        }
    }
}

/** Scale columns of RGB down: rows of [rowBytes] bytes in [source] -> [rows] rows in [target] from [targetStart] on. */
internal fun scaleDown(
    source: ByteArray,
    rowBytes: Int,
    axis: Axis,
    rows: Int,
    target: ByteArray,
    targetStart: Int,
    targetStride: Int,
) {
    val weights = axis.weights
    for (row in 0 until rows) {
        val begin = axis.starts[row] * rowBytes
        val first = row * axis.taps
        val last = first + axis.counts[row]
        val out = targetStart + row * targetStride
        for (column in 0 until rowBytes) {
            var sum = HALF
            var at = begin + column
            for (place in first until last) {
                sum += (source[at].toInt() and 0xff) * weights[place]
                at += rowBytes
            }
            target[out + column] = level(sum)
        }
    }
}

/** A sum with 22 bits behind the point as a level in 0..255. */
private fun level(sum: Int): Byte {
    val rounded = sum shr PRECISION_BITS
    return (
        if (rounded < 0) {
            0
        } else if (rounded > 255) {
            255
        } else {
            rounded
        }
    ).toByte()
}
