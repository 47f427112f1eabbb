package androidx.camera.core

import java.nio.ByteBuffer

interface ImageInfo {
    val rotationDegrees: Int
    val timestamp: Long
}

interface ImageProxy : AutoCloseable {
    override fun close()

    val format: Int
    val height: Int
    val width: Int
    val planes: Array<PlaneProxy>
    val imageInfo: ImageInfo

    interface PlaneProxy {
        val rowStride: Int
        val pixelStride: Int
        val buffer: ByteBuffer
    }
}
