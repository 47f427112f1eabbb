package com.google.ai.edge.litert

import dev.levitmobile.twin.litert.Handle
import dev.levitmobile.twin.litert.Native
import dev.levitmobile.twin.litert.Ranked
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

/**
 * Memory of one tensor. As in the vendor's native code, a write compares neither the type nor a length that is too
 * short, and a read takes the tensor's number of elements in whatever type is asked for.
 */
class TensorBuffer internal constructor(
    handle: Long,
) : JniHandle(handle) {
    @Throws(LiteRtException::class)
    fun writeInt(data: IntArray) = write(MemorySegment.ofArray(data))

    @Throws(LiteRtException::class)
    fun writeFloat(data: FloatArray) = write(MemorySegment.ofArray(data))

    @Throws(LiteRtException::class)
    fun writeInt8(data: ByteArray) = write(MemorySegment.ofArray(data))

    @Throws(LiteRtException::class)
    fun writeLong(data: LongArray) = write(MemorySegment.ofArray(data))

    @Throws(LiteRtException::class)
    fun readInt(): IntArray = read(4) { it.toArray(ValueLayout.JAVA_INT) }

    @Throws(LiteRtException::class)
    fun readFloat(): FloatArray = read(4) { it.toArray(ValueLayout.JAVA_FLOAT) }

    @Throws(LiteRtException::class)
    fun readInt8(): ByteArray = read(1) { it.toArray(ValueLayout.JAVA_BYTE) }

    @Throws(LiteRtException::class)
    fun readLong(): LongArray = read(8) { it.toArray(ValueLayout.JAVA_LONG) }

    override fun destroy() = Native.destroy("LiteRtDestroyTensorBuffer", handle)

    private fun write(data: MemorySegment) {
        assertNotDestroyed()
        locked(WRITE) { memory ->
            val size = Native.fill(8, "LiteRtGetTensorBufferPackedSize", Handle(handle)).get(ValueLayout.JAVA_LONG, 0)
            if (size < data.byteSize()) {
                val sizes = "$size vs ${data.byteSize()}"
                throw LiteRtException(
                    Status.ErrorRuntimeFailure,
                    "TensorBuffer host memory buffer size is smaller than the given data size, $sizes",
                )
            }
            memory.reinterpret(data.byteSize()).copyFrom(data)
        }
    }

    private fun <T> read(
        bytes: Int,
        take: (MemorySegment) -> T,
    ): T {
        assertNotDestroyed()
        val type = Ranked(Native.fill(Ranked.BYTES, "LiteRtGetTensorBufferTensorType", Handle(handle)))
        return locked(READ) { take(it.reinterpret(bytes.toLong() * type.dimensions.fold(1, Int::times))) }
    }

    private fun <T> locked(
        mode: Int,
        use: (MemorySegment) -> T,
    ): T {
        val pointer = Arena.ofAuto().allocate(ValueLayout.ADDRESS)
        Native.call("LiteRtLockTensorBuffer", Handle(handle), pointer, mode)
        try {
            return use(pointer.get(ValueLayout.ADDRESS, 0))
        } finally {
            Native.call("LiteRtUnlockTensorBuffer", Handle(handle))
        }
    }
}

private const val READ = 0
private const val WRITE = 1
