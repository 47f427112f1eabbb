package dev.levitmobile.twin

import android.graphics.ImageFormat
import android.graphics.PixelFormat
import androidx.camera.core.ImageInfo
import androidx.camera.core.ImageProxy
import java.nio.ByteBuffer

/**
 * A camera frame. Its planes cannot be read after it is closed, and what was read before turns to zeros, because a phone
 * fills the memory with the next frame.
 */
class TestImage(
    override val width: Int,
    override val height: Int,
    override val format: Int,
    private val rows: List<ImageProxy.PlaneProxy>,
    rotation: Int,
    private val onClose: () -> Unit = {},
) : ImageProxy {
    /** Whether it is closed. */
    var isClosed = false
        private set

    override val imageInfo =
        object : ImageInfo {
            override val rotationDegrees = rotation
            override val timestamp = System.nanoTime()
        }

    override val planes: Array<ImageProxy.PlaneProxy>
        get() {
            check(!isClosed) { "Image is already closed" }
            return rows.toTypedArray()
        }

    override fun close() {
        if (isClosed) return
        isClosed = true
        rows.forEach { plane -> plane.buffer.let { bytes -> repeat(bytes.limit()) { bytes.put(it, 0) } } }
        onClose()
    }

    companion object {
        /** RGBA bytes, [padding] more bytes behind each row. */
        fun rgba(
            rgba: ByteArray,
            width: Int,
            height: Int,
            rotation: Int = 0,
            padding: Int = 64,
            onClose: () -> Unit = {},
        ): TestImage {
            val stride = 4 * width + padding
            val plane = TestPlane(padded(rgba, 4 * width, stride, height), stride, 4)
            return TestImage(width, height, PixelFormat.RGBA_8888, listOf(plane), rotation, onClose)
        }

        /** Three planes in YUV_420_888. */
        fun yuv(
            planes: List<ImageProxy.PlaneProxy>,
            width: Int,
            height: Int,
            rotation: Int = 0,
        ): TestImage = TestImage(width, height, ImageFormat.YUV_420_888, planes, rotation)

        private fun padded(
            bytes: ByteArray,
            row: Int,
            stride: Int,
            height: Int,
        ): ByteBuffer {
            val buffer = ByteBuffer.allocateDirect(stride * (height - 1) + row)
            for (y in 0 until height) {
                buffer.position(y * stride)
                buffer.put(bytes, y * row, row)
            }
            return buffer.apply { rewind() }
        }
    }
}

/** A plane of a [TestImage]. */
class TestPlane(
    override val buffer: ByteBuffer,
    override val rowStride: Int,
    override val pixelStride: Int,
) : ImageProxy.PlaneProxy
