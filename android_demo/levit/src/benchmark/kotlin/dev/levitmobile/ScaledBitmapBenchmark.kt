package dev.levitmobile

import android.graphics.Bitmap
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.contract.Contract
import dev.levitmobile.image.Orientation
import dev.levitmobile.image.Preprocessor
import dev.levitmobile.image.RgbaFrame
import dev.levitmobile.image.TensorFormat
import dev.levitmobile.store.Bundle
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import java.io.File
import java.nio.ByteBuffer
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.sqrt

/**
 * A camera frame of 1280 x 720 as a tensor, by the library and by `Bitmap.createScaledBitmap`, which most apps use.
 *
 * The two take turns, so what slows the machine slows both. `createScaledBitmap` reads four pixels of the frame for each
 * of its own and passes over the rest, so its pixels are not those that the model was trained on. Two ways of it are
 * compared: resize and crop as the contract states, and the whole frame squashed into a square. Android's own drawing code
 * runs here on the computer's processor: the times are not a phone's.
 */
@RunWith(AndroidJUnit4::class)
class ScaledBitmapBenchmark {
    private val bundle = Bundle.open(File(System.getProperty("levit.bundles"), "levit_128s-tflite-fp32"))
    private val contract: Contract = bundle.contract
    private val side = contract.preprocessing.cropHeight
    private val levels = tiled()
    private val frame = RgbaFrame(rgba(), WIDTH, HEIGHT, 4 * WIDTH)
    private val bitmap = Bitmap.createBitmap(argb(), WIDTH, HEIGHT, Bitmap.Config.ARGB_8888)
    private val preprocessor = Preprocessor(contract)
    private val tensor = FloatArray(TensorFormat.of(contract.input).elements)
    private val row = IntArray(side * side)

    @Test
    fun aFrameBecomesATensor() {
        val ways = mapOf("library" to ::byLibrary, "scaled and cropped" to ::scaledAndCropped, "squashed" to ::squashed)
        val right = byLibrary().copyOf()
        for ((name, way) in ways - "library") println("$name: ${differences(right, way())}")
        assertEquals(0.0, differences(right, byLibrary()).largest, 0.0)
        val samples = interleaved(ways.values.toList())
        val library = samples[0]
        for ((name, times) in ways.keys.zip(samples)) println("$name: median ${"%.2f".format(median(times))} ms, ${ratio(times, library)}")
    }

    private fun byLibrary(): FloatArray = tensor.also { preprocessor.write(frame, Orientation.UPRIGHT, it) }

    private fun scaledAndCropped(): FloatArray {
        val short = contract.preprocessing.height
        val scaled = Bitmap.createScaledBitmap(bitmap, WIDTH * short / HEIGHT, short, true)
        return laidOut(scaled, (scaled.width - side) / 2, (short - side) / 2)
    }

    private fun squashed(): FloatArray = laidOut(Bitmap.createScaledBitmap(bitmap, side, side, true), 0, 0)

    private fun laidOut(
        scaled: Bitmap,
        left: Int,
        top: Int,
    ): FloatArray {
        scaled.getPixels(row, 0, side, left, top, side, side)
        return FloatArray(3 * side * side) { (row[it / 3] shr (16 - 8 * (it % 3)) and 0xff) / 255f }
    }

    /** Times of each way in ms, one per round. */
    private fun interleaved(ways: List<() -> FloatArray>): List<DoubleArray> {
        val samples = List(ways.size) { DoubleArray(ROUNDS) }
        for (round in -WARMUP until ROUNDS) {
            for ((way, times) in ways.zip(samples)) {
                val start = System.nanoTime()
                way()
                if (round >= 0) times[round] = (System.nanoTime() - start) / 1e6
            }
        }
        return samples
    }

    private class Differences(
        val largest: Double,
        val mean: Double,
        val changed: Double,
    ) {
        override fun toString() =
            "%.0f%% of the levels differ, by %.1f of 255 on average and %.0f at most".format(100 * changed, mean, largest)
    }

    private fun differences(
        right: FloatArray,
        other: FloatArray,
    ): Differences {
        val apart = right.indices.map { abs(right[it] - other[it]) * 255.0 }
        return Differences(apart.max(), apart.average(), apart.count { it >= 0.5 }.toDouble() / apart.size)
    }

    private fun median(times: DoubleArray) = times.sorted()[times.size / 2]

    /** Geometric mean of the ratios of one round, with the interval of 95% by their spread. */
    private fun ratio(
        times: DoubleArray,
        base: DoubleArray,
    ): String {
        val logs = times.indices.map { ln(times[it] / base[it]) }
        val mean = logs.average()
        val error = sqrt(logs.sumOf { (it - mean) * (it - mean) } / (logs.size - 1) / logs.size)
        return "%.2f x the library (%.2f to %.2f)".format(exp(mean), exp(mean - 1.96 * error), exp(mean + 1.96 * error))
    }

    /** Golden images beside each other, as they are: a frame as full of detail as a photograph. */
    private fun tiled(): ByteArray {
        val images = bundle.golden.map { it.pixels }
        return ByteArray(3 * WIDTH * HEIGHT) {
            val (x, y) = it / 3 % WIDTH to it / 3 / WIDTH
            images[(x / side + y / side) % images.size][3 * (y % side * side + x % side) + it % 3]
        }
    }

    private fun rgba(): ByteBuffer {
        val buffer = ByteBuffer.allocateDirect(4 * WIDTH * HEIGHT)
        for (pixel in 0 until WIDTH * HEIGHT) {
            for (channel in 0..2) buffer.put(4 * pixel + channel, levels[3 * pixel + channel])
            buffer.put(4 * pixel + 3, -1)
        }
        return buffer
    }

    private fun argb() =
        IntArray(WIDTH * HEIGHT) { pixel ->
            (0..2).fold(0xff) { packed, channel -> packed shl 8 or (levels[3 * pixel + channel].toInt() and 0xff) }
        }

    private companion object {
        const val WIDTH = 1280
        const val HEIGHT = 720
        const val WARMUP = 100
        const val ROUNDS = 200
    }
}
