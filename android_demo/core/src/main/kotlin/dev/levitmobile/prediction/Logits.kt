package dev.levitmobile.prediction

import dev.levitmobile.contract.Output
import dev.levitmobile.contract.OutputType
import java.nio.ByteBuffer

/**
 * Reads an artifact's output as logits, whatever its type.
 *
 * Runtimes reuse their memory for the next image: the values are copied here.
 *
 * @param output What the contract states about the output.
 */
public class LogitsReader(
    private val output: Output,
) {
    /** Number of classes. */
    public val classes: Int = output.shape[1]

    /** Size of the output in bytes. */
    public val bytes: Int =
        classes *
            when (output.dtype) {
                OutputType.FLOAT32 -> 4
                OutputType.FLOAT16 -> 2
                OutputType.INT8 -> 1
            }

    init {
        require(output.shape[0] == 1) { "the output's shape is ${output.shape}, expected one image" }
    }

    /**
     * Read the output in the buffer's own byte order, from index 0 to its limit.
     *
     * @param from Has [bytes] bytes.
     * @param into Gets one logit per class.
     * @throws IllegalArgumentException One of them has another size.
     */
    public fun read(
        from: ByteBuffer,
        into: FloatArray,
    ) {
        require(from.limit() == bytes) { "the output has ${from.limit()} bytes, expected $bytes" }
        require(into.size == classes) { "the target has ${into.size} values, expected $classes" }
        for (place in 0 until classes) {
            into[place] =
                real(
                    when (output.dtype) {
                        OutputType.FLOAT32 -> from.getFloat(4 * place)
                        OutputType.FLOAT16 -> halfToFloat(from.getShort(2 * place).toInt() and 0xffff)
                        OutputType.INT8 -> from.get(place).toFloat()
                    },
                )
        }
    }

    private fun real(stored: Float): Float {
        val quantization = output.quantization ?: return stored
        return (stored - quantization.zeroPoint.toFloat()) * quantization.scale.toFloat()
    }
}

/** Value of a float16; source of the format: IEEE 754. */
internal fun halfToFloat(bits: Int): Float {
    val sign = bits and 0x8000 shl 16
    val exponent = bits ushr 10 and 0x1f
    val fraction = bits and 0x3ff
    return when (exponent) {
        0 -> Math.scalb(fraction.toFloat(), -24).let { if (sign != 0) -it else it }
        0x1f -> Float.fromBits(sign or 0x7f800000 or (fraction shl 13))
        else -> Float.fromBits(sign or (exponent + 112 shl 23) or (fraction shl 13))
    }
}
