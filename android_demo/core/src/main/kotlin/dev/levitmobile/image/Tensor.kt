package dev.levitmobile.image

import dev.levitmobile.contract.Input
import dev.levitmobile.contract.InputType
import dev.levitmobile.contract.Layout
import dev.levitmobile.contract.MemoryOrder
import dev.levitmobile.contract.Quantization
import java.nio.ByteBuffer

/** Type of a tensor's values. */
public enum class ElementType(
    /** Bytes per value. */
    public val bytes: Int,
) {
    FLOAT32(4),
    FLOAT16(2),
    INT8(1),

    /** Only artifacts of other tools have it; a contract does not. */
    UINT8(1),
}

/**
 * The form in which an artifact takes one image.
 *
 * @property height Height in pixels.
 * @property width Width in pixels.
 * @property channelsLast Whether the three colours of a pixel follow each other in memory.
 * @property type Type of the values.
 * @property low Real value of a black pixel.
 * @property high Real value of a full pixel.
 * @property quantization Scale and zero point of integers; null for floats.
 */
public data class TensorFormat(
    val height: Int,
    val width: Int,
    val channelsLast: Boolean,
    val type: ElementType,
    val low: Double,
    val high: Double,
    val quantization: Quantization? = null,
) {
    /** Number of values. */
    val elements: Int get() = 3 * height * width

    /** Size in bytes. */
    val bytes: Int get() = elements * type.bytes

    public companion object {
        /**
         * The form that a contract states.
         *
         * @throws IllegalArgumentException The artifact takes a Core ML image, a batch, or other than three colours.
         */
        public fun of(input: Input): TensorFormat {
            val channels = if (input.layout == Layout.NCHW) input.shape[1] else input.shape[3]
            require(input.shape[0] == 1 && channels == 3) { "the input's shape is ${input.shape}, expected one image of 3 colours" }
            val last = input.layout == Layout.NHWC || input.memoryOrder == MemoryOrder.CHANNELS_LAST
            val (low, high) = input.range
            return TensorFormat(input.height, input.width, last, typeOf(input), low, high, input.quantization)
        }

        private fun typeOf(input: Input): ElementType =
            when (input.dtype) {
                InputType.FLOAT32 -> ElementType.FLOAT32
                InputType.FLOAT16 -> ElementType.FLOAT16
                InputType.INT8 -> ElementType.INT8
                InputType.IMAGE -> throw IllegalArgumentException("the artifact takes a Core ML image, which only iOS has")
            }
    }
}

/**
 * Writes pixels as a tensor. Every value depends on one level in 0..255 alone, so all 256 are computed beforehand, in
 * the order of operations and the precision of `levit_mobile.runners.adapters.adapted`.
 *
 * @property format Form of the tensor.
 */
public class TensorWriter(
    public val format: TensorFormat,
) {
    private val floats = FloatArray(LEVELS) { real(it) }
    private val codes = IntArray(LEVELS) { code(floats[it]) }

    private fun real(level: Int): Float {
        val value = level.toFloat() / (LEVELS - 1).toFloat() * (format.high - format.low).toFloat() + format.low.toFloat()
        val quantization = format.quantization ?: return value
        return Math.rint((value / quantization.scale.toFloat()).toDouble()).toFloat() + quantization.zeroPoint
    }

    private fun code(value: Float): Int =
        when (format.type) {
            ElementType.FLOAT32 -> value.toRawBits()
            ElementType.FLOAT16 -> halfBits(value)
            ElementType.INT8 -> value.toInt().coerceIn(-128, 127)
            ElementType.UINT8 -> value.toInt().coerceIn(0, 255)
        }

    /**
     * Write float32 values.
     *
     * @param pixels RGB bytes [height,width,3].
     * @param into Has [TensorFormat.elements] values.
     * @throws IllegalArgumentException The format has another type, or an array has another length.
     */
    public fun write(
        pixels: ByteArray,
        into: FloatArray,
    ) {
        requireType(ElementType.FLOAT32)
        requireSizes(pixels, into.size, format.elements, "values")
        each(pixels) { place, level -> into[place] = floats[level] }
    }

    /** Write int8 or uint8 values; otherwise as the function for floats. */
    public fun write(
        pixels: ByteArray,
        into: ByteArray,
    ) {
        require(format.type.bytes == 1) { "the tensor has ${format.type} values, expected INT8 or UINT8" }
        requireSizes(pixels, into.size, format.elements, "bytes")
        each(pixels) { place, level -> into[place] = codes[level].toByte() }
    }

    /** Write values of any type in the buffer's own byte order, from index 0 to its limit, which is the tensor's size. */
    public fun write(
        pixels: ByteArray,
        into: ByteBuffer,
    ) {
        requireSizes(pixels, into.limit(), format.bytes, "bytes")
        when (format.type.bytes) {
            4 -> each(pixels) { place, level -> into.putFloat(4 * place, floats[level]) }
            2 -> each(pixels) { place, level -> into.putShort(2 * place, codes[level].toShort()) }
            else -> each(pixels) { place, level -> into.put(place, codes[level].toByte()) }
        }
    }

    private fun requireType(wanted: ElementType) {
        require(format.type == wanted) { "the tensor has ${format.type} values, expected $wanted" }
    }

    private fun requireSizes(
        pixels: ByteArray,
        size: Int,
        wanted: Int,
        unit: String,
    ) {
        require(pixels.size == format.elements) { "the image has ${pixels.size} bytes, expected ${format.elements}" }
        require(size == wanted) { "the target has $size $unit, expected $wanted" }
    }

    private inline fun each(
        pixels: ByteArray,
        put: (place: Int, level: Int) -> Unit,
    ) {
        if (format.channelsLast) {
            for (place in pixels.indices) put(place, pixels[place].toInt() and 0xff)
            return
        }
        val plane = format.height * format.width
        for (pixel in 0 until plane) {
            put(pixel, pixels[3 * pixel].toInt() and 0xff)
            put(pixel + plane, pixels[3 * pixel + 1].toInt() and 0xff)
            put(pixel + 2 * plane, pixels[3 * pixel + 2].toInt() and 0xff)
        }
    }

    private companion object {
        const val LEVELS = 256
    }
}

/** Bits of the float16 nearest to a value, halves to even; source of the format: IEEE 754. */
internal fun halfBits(value: Float): Int {
    val bits = value.toRawBits()
    val sign = bits ushr 16 and 0x8000
    val magnitude = bits and 0x7fffffff
    return sign or
        when {
            magnitude > 0x7f800000 -> 0x7e00 // NaN
            magnitude >= 0x477ff000 -> 0x7c00 // rounds to infinity
            magnitude < 0x38800000 -> Math.rint(Math.scalb(Float.fromBits(magnitude).toDouble(), 24)).toInt() // subnormal
            else -> (magnitude - 0x38000000 + 0xfff + (magnitude ushr 13 and 1)) ushr 13
        }
}
