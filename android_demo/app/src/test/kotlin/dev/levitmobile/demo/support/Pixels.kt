package dev.levitmobile.demo.support

import android.app.Activity
import android.graphics.Bitmap
import android.graphics.Rect
import android.os.Handler
import android.os.Looper
import android.view.PixelCopy
import androidx.compose.ui.semantics.SemanticsNode
import java.io.File
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow

/** The pixels of a window as a phone would show them. */
class Pixels private constructor(
    private val bitmap: Bitmap,
) {
    /**
     * Contrast of a node's text by WCAG 2: 1 is invisible, 21 is black on white.
     *
     * The commonest color of the node's place is the background. The text is the color that differs most from it, since
     * the edges of letters are mixtures of both.
     */
    fun contrast(node: SemanticsNode): Double? {
        val colors = colors(node.boundsInWindow) ?: return null
        val background = luminance(colors.entries.maxBy { it.value }.key)
        return colors.keys.maxOf { contrast(background, luminance(it)) }
    }

    /** Write the picture as `NAME.png` if the system property `levit.screens` names a folder. */
    fun save(name: String): Pixels {
        val folder = System.getProperty("levit.screens")?.takeIf { it.isNotEmpty() }?.let(::File) ?: return this
        folder.mkdirs()
        File(folder, "$name.png").outputStream().use { bitmap.compress(Bitmap.CompressFormat.PNG, PNG_QUALITY, it) }
        return this
    }

    private fun colors(place: androidx.compose.ui.geometry.Rect): Map<Int, Int>? {
        val left = max(0, floor(place.left).toInt())
        val top = max(0, floor(place.top).toInt())
        val width = min(bitmap.width, ceil(place.right).toInt()) - left
        val height = min(bitmap.height, ceil(place.bottom).toInt()) - top
        if (width <= 0 || height <= 0) return null
        val pixels = IntArray(width * height)
        bitmap.getPixels(pixels, 0, width, left, top, width, height)
        return counted(pixels)
    }

    /** How often each color is there; pixels are sorted because a map would make an object for each of a million. */
    private fun counted(pixels: IntArray): Map<Int, Int> {
        pixels.sort()
        val ends = pixels.indices.filter { it == pixels.lastIndex || pixels[it] != pixels[it + 1] }
        return ends.withIndex().associate { (place, end) -> pixels[end] to end - (if (place == 0) -1 else ends[place - 1]) }
    }

    companion object {
        private const val PNG_QUALITY = 100

        /** Copy what the window of [activity] shows. */
        fun of(activity: Activity): Pixels {
            val view = activity.window.decorView
            val bitmap = Bitmap.createBitmap(view.width, view.height, Bitmap.Config.ARGB_8888)
            var result: Int? = null
            val whole = Rect(0, 0, view.width, view.height)
            PixelCopy.request(activity.window, whole, bitmap, { result = it }, Handler(Looper.getMainLooper()))
            Frames.pass(2)
            check(result == PixelCopy.SUCCESS) { "the window's pixels were not copied: $result" }
            return Pixels(bitmap)
        }

        private fun contrast(
            one: Double,
            other: Double,
        ): Double = (max(one, other) + 0.05) / (min(one, other) + 0.05)

        private fun luminance(color: Int): Double = 0.2126 * linear(color shr 16) + 0.7152 * linear(color shr 8) + 0.0722 * linear(color)

        private fun linear(channel: Int): Double {
            val value = (channel and 0xff) / 255.0
            return if (value <= 0.04045) value / 12.92 else ((value + 0.055) / 1.055).pow(2.4)
        }
    }
}
