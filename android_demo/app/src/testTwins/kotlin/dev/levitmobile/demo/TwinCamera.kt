package dev.levitmobile.demo

import android.graphics.Bitmap
import dev.levitmobile.demo.support.Frames
import dev.levitmobile.twin.TestCamera
import java.nio.ByteBuffer

/** Frames for the twin of CameraX. */
object TwinCamera {
    /** Send a picture as soon as the camera streams. */
    fun send(
        bitmap: Bitmap,
        rotation: Int = 0,
        padding: Int = 64,
    ) {
        val rgba = rgbaOf(bitmap)
        Frames.awaitThat("a camera that streams") { TestCamera.frame(rgba, bitmap.width, bitmap.height, rotation, padding) }
    }

    /** A bitmap's own memory is in another order on a computer, blue first. */
    private fun rgbaOf(bitmap: Bitmap): ByteArray {
        val pixels = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        val rgba = ByteBuffer.allocate(4 * pixels.size)
        for (argb in pixels) rgba.putInt(argb.rotateLeft(8))
        return rgba.array()
    }
}
