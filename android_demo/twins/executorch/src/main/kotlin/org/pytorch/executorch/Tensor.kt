package org.pytorch.executorch

import dev.levitmobile.twin.executorch.ByteTensor
import dev.levitmobile.twin.executorch.FloatTensor
import dev.levitmobile.twin.executorch.HalfTensor
import dev.levitmobile.twin.executorch.UnsignedByteTensor
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import java.nio.ShortBuffer

/**
 * A tensor over a direct buffer that is never copied: an input's may change between calls, and an output's does, because
 * it is the method's own memory.
 */
abstract class Tensor internal constructor(
    shape: LongArray,
) {
    @JvmField
    protected val shape: LongArray = shape.copyOf()

    fun numel(): Long = numel(shape)

    fun shape(): LongArray = shape.copyOf()

    abstract fun dtype(): DType

    open val dataAsByteArray: ByteArray get() = throw unsupported("return data as byte array")

    open val dataAsShortArray: ShortArray get() = throw unsupported("return data as short array")

    open val dataAsUnsignedByteArray: ByteArray get() = throw unsupported("return data as unsigned byte array")

    open val dataAsFloatArray: FloatArray get() = throw unsupported("return data as float array")

    open fun copyDataInto(dst: FloatBuffer): Unit = throw unsupported("copy data into FloatBuffer")

    open fun copyDataInto(dst: ByteBuffer): Unit = throw unsupported("copy data into ByteBuffer")

    open fun copyDataIntoUnsigned(dst: ByteBuffer): Unit = throw unsupported("copy data into ByteBuffer (unsigned)")

    open fun copyDataInto(dst: ShortBuffer): Unit = throw unsupported("copy data into ShortBuffer")

    open fun getRawDataBuffer(): Buffer = throw unsupported("return raw data buffer")

    private fun unsupported(what: String) = IllegalStateException("Tensor of type ${javaClass.simpleName} cannot $what.")

    companion object {
        @JvmStatic
        fun allocateByteBuffer(numElements: Int): ByteBuffer = ByteBuffer.allocateDirect(numElements).order(ByteOrder.nativeOrder())

        @JvmStatic
        fun allocateFloatBuffer(numElements: Int): FloatBuffer = allocateByteBuffer(4 * numElements).asFloatBuffer()

        @JvmStatic
        fun allocateHalfBuffer(numElements: Int): ShortBuffer = allocateByteBuffer(2 * numElements).asShortBuffer()

        @JvmStatic
        fun fromBlob(
            data: FloatArray,
            shape: LongArray,
        ): Tensor = fromBlob(allocateFloatBuffer(data.size).apply { put(data) }, shape)

        @JvmStatic
        fun fromBlob(
            data: FloatBuffer,
            shape: LongArray,
        ): Tensor = checked(data, data.order(), shape) { FloatTensor(data, shape) }

        @JvmStatic
        fun fromBlob(
            data: ShortBuffer,
            shape: LongArray,
        ): Tensor = checked(data, data.order(), shape) { HalfTensor(data, shape) }

        @JvmStatic
        fun fromBlob(
            data: ByteBuffer,
            shape: LongArray,
        ): Tensor = checked(data, data.order(), shape) { ByteTensor(data, shape) }

        @JvmStatic
        fun fromBlobUnsigned(
            data: ByteBuffer,
            shape: LongArray,
        ): Tensor = checked(data, data.order(), shape) { UnsignedByteTensor(data, shape) }

        @JvmStatic
        fun numel(shape: LongArray): Long {
            require(shape.all { it >= 0 }) { "Shape elements must be non negative" }
            return shape.fold(1L, Long::times)
        }

        private inline fun checked(
            data: Buffer,
            order: ByteOrder,
            shape: LongArray,
            make: () -> Tensor,
        ): Tensor {
            require(numel(shape) == data.capacity().toLong()) {
                "Inconsistent data capacity:${data.capacity()} and shape number elements:${numel(shape)} shape:${shape.contentToString()}"
            }
            require(data.isDirect) { "Data buffer must be direct (java.nio.ByteBuffer#allocateDirect)" }
            require(order == ByteOrder.nativeOrder()) { "Data buffer must have native byte order (java.nio.ByteOrder#nativeOrder)" }
            return make()
        }
    }
}
