package dev.levitmobile.photo

import android.graphics.Bitmap
import dev.levitmobile.image.ArgbFrame

/** Reads bitmaps of any configuration as sRGB colours; keeps its memory for the next one. */
internal class BitmapReader {
    private var pixels = IntArray(0)

    /**
     * The bitmap's pixels, valid until the next call.
     *
     * @throws IllegalArgumentException The bitmap is recycled.
     */
    fun frame(bitmap: Bitmap): ArgbFrame {
        require(!bitmap.isRecycled) { "the bitmap is recycled" }
        val (width, height) = bitmap.width to bitmap.height
        if (pixels.size < width * height) pixels = IntArray(width * height)
        val readable = if (bitmap.config == Bitmap.Config.HARDWARE) inMemory(bitmap) else bitmap
        readable.getPixels(pixels, 0, width, 0, 0, width, height)
        if (readable !== bitmap) readable.recycle()
        return ArgbFrame(pixels, width, height)
    }

    /** A hardware bitmap's pixels are in the GPU's memory, which getPixels does not read. */
    private fun inMemory(bitmap: Bitmap): Bitmap =
        checkNotNull(bitmap.copy(Bitmap.Config.ARGB_8888, false)) { "the hardware bitmap cannot be copied" }
}
