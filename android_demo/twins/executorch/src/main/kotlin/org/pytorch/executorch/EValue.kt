package org.pytorch.executorch

class EValue private constructor(
    private val data: Any?,
) {
    val isNone: Boolean get() = data == null

    val isTensor: Boolean get() = data is Tensor

    fun toTensor(): Tensor = data as? Tensor ?: throw IllegalStateException("Expected EValue type Tensor, actual type None")

    companion object {
        @JvmStatic
        fun optionalNone(): EValue = EValue(null)

        @JvmStatic
        fun from(tensor: Tensor): EValue = EValue(tensor)
    }
}
