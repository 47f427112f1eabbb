package dev.levitmobile.twin.executorch

import org.pytorch.executorch.DType
import org.pytorch.executorch.Tensor
import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.nio.ShortBuffer

internal class FloatTensor(
    private val data: FloatBuffer,
    shape: LongArray,
) : Tensor(shape) {
    override fun dtype() = DType.FLOAT

    override fun getRawDataBuffer(): Buffer = data

    override val dataAsFloatArray: FloatArray get() = FloatArray(data.capacity()).also { data.rewind().get(it) }

    override fun copyDataInto(dst: FloatBuffer) {
        dst.put(data.rewind())
    }
}

internal class HalfTensor(
    private val data: ShortBuffer,
    shape: LongArray,
) : Tensor(shape) {
    override fun dtype() = DType.HALF

    override fun getRawDataBuffer(): Buffer = data

    override val dataAsShortArray: ShortArray get() = ShortArray(data.capacity()).also { data.rewind().get(it) }

    override val dataAsFloatArray: FloatArray
        get() = FloatArray(data.capacity()) { java.lang.Float.float16ToFloat(data.get(it)) }

    override fun copyDataInto(dst: ShortBuffer) {
        dst.put(data.rewind())
    }

    override fun copyDataInto(dst: FloatBuffer) {
        dst.put(dataAsFloatArray)
    }
}

internal class ByteTensor(
    private val data: ByteBuffer,
    shape: LongArray,
) : Tensor(shape) {
    override fun dtype() = DType.INT8

    override fun getRawDataBuffer(): Buffer = data

    override val dataAsByteArray: ByteArray get() = ByteArray(data.capacity()).also { data.rewind().get(it) }

    override fun copyDataInto(dst: ByteBuffer) {
        dst.put(data.rewind())
    }
}

internal class UnsignedByteTensor(
    private val data: ByteBuffer,
    shape: LongArray,
) : Tensor(shape) {
    override fun dtype() = DType.UINT8

    override fun getRawDataBuffer(): Buffer = data

    override val dataAsUnsignedByteArray: ByteArray get() = ByteArray(data.capacity()).also { data.rewind().get(it) }

    override fun copyDataIntoUnsigned(dst: ByteBuffer) {
        dst.put(data.rewind())
    }
}
