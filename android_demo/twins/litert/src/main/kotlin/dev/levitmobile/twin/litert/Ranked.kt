package dev.levitmobile.twin.litert

import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.Status
import com.google.ai.edge.litert.TensorType
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

/** The C interface's description of a tensor: a type, then the number of dimensions in 7 bits, then 8 dimensions. */
internal class Ranked(
    val structure: MemorySegment,
) {
    private val element: Int get() = structure.get(ValueLayout.JAVA_INT, 0)

    val dimensions: List<Int>
        get() = List(structure.get(ValueLayout.JAVA_INT, 4) and 0x7f) { structure.get(ValueLayout.JAVA_INT, 8L + 4 * it) }

    /** The vendor's native code knows five types, and throws for all others, uint8 and float16 among them. */
    fun type(): TensorType {
        val known =
            TYPES[element]
                ?: throw LiteRtException(Status.ErrorUnsupported, "Unsupported element type: $element")
        return TensorType(known, TensorType.Layout(dimensions))
    }

    companion object {
        const val BYTES = 72L

        private val TYPES =
            mapOf(
                1 to TensorType.ElementType.FLOAT,
                2 to TensorType.ElementType.INT,
                4 to TensorType.ElementType.INT64,
                6 to TensorType.ElementType.BOOLEAN,
                9 to TensorType.ElementType.INT8,
            )
    }
}
