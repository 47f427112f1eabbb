package dev.levitmobile.runner

import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import com.google.ai.edge.litert.TensorType
import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.OutputType
import dev.levitmobile.image.ElementType
import dev.levitmobile.image.TensorFormat
import dev.levitmobile.image.TensorWriter
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.prediction.LogitsReader
import java.nio.ByteBuffer

/** One image as the array that LiteRT takes; the array is made once. */
internal sealed class LiteRtInput {
    /** Lay out the image; nothing reaches LiteRT. */
    abstract fun fill(pixels: ByteArray)

    /** Hand it to LiteRT. */
    abstract fun send(buffer: TensorBuffer)

    private class Floats(
        private val writer: TensorWriter,
    ) : LiteRtInput() {
        private val values = FloatArray(writer.format.elements)

        override fun fill(pixels: ByteArray) = writer.write(pixels, values)

        override fun send(buffer: TensorBuffer) = buffer.writeFloat(values)
    }

    /** int8 values; uint8 values are the same bytes for LiteRT. */
    private class Bytes(
        private val writer: TensorWriter,
    ) : LiteRtInput() {
        private val values = ByteArray(writer.format.elements)

        override fun fill(pixels: ByteArray) = writer.write(pixels, values)

        override fun send(buffer: TensorBuffer) = buffer.writeInt8(values)
    }

    companion object {
        fun of(contract: Contract): LiteRtInput {
            val format = TensorFormat.of(contract.input)
            return when (format.type) {
                ElementType.FLOAT32 -> Floats(TensorWriter(format))
                ElementType.INT8, ElementType.UINT8 -> Bytes(TensorWriter(format))
                ElementType.FLOAT16 -> throw NotAvailableException("LiteRT's TensorBuffer takes no float16 input")
            }
        }
    }
}

/** The logits as LiteRT gives them. */
internal class LiteRtOutput private constructor(
    private val reader: LogitsReader,
    private val floats: Boolean,
) {
    val classes: Int get() = reader.classes

    fun read(
        buffer: TensorBuffer,
        logits: FloatArray,
    ) {
        if (!floats) return reader.read(ByteBuffer.wrap(buffer.readInt8()), logits)
        val found = buffer.readFloat()
        if (found.size != classes) throw InferenceException("the artifact gave ${found.size} logits, expected $classes")
        found.copyInto(logits)
    }

    companion object {
        fun of(contract: Contract): LiteRtOutput {
            val type = contract.output.dtype
            if (type == OutputType.FLOAT16) throw NotAvailableException("LiteRT's TensorBuffer gives no float16 output")
            return LiteRtOutput(LogitsReader(contract.output), type == OutputType.FLOAT32)
        }
    }
}

/**
 * Compare the artifact's tensors with the contract: LiteRT would take a shorter array or another type without a word.
 *
 * @throws InferenceException They differ.
 */
internal fun requireTensors(
    model: CompiledModel,
    contract: Contract,
) {
    val input = TensorFormat.of(contract.input).type
    val output = contract.output.dtype
    requireTensor("input", model.getInputTensorType(contract.input.name), input.name, contract.input.shape)
    requireTensor("output", model.getOutputTensorType(contract.output.name), output.name, contract.output.shape)
}

private fun requireTensor(
    role: String,
    found: TensorType,
    type: String,
    shape: List<Int>,
) {
    val foundType = if (found.elementType == TensorType.ElementType.FLOAT) "FLOAT32" else found.elementType.name
    if (foundType == type && (found.layout?.dimensions ?: shape) == shape) return
    throw InferenceException("the artifact's $role is $foundType ${found.layout?.dimensions}, and the contract states $type $shape")
}
