package dev.levitmobile

import android.graphics.Bitmap
import dev.levitmobile.contract.Verdict
import dev.levitmobile.image.ArgbFrame
import dev.levitmobile.image.Frame
import dev.levitmobile.image.Orientation
import dev.levitmobile.image.Preprocessor
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.runner.Runners
import org.junit.After
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** A classifier over the real runtime, whose prepared images a test can see. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [36])
@GraphicsMode(GraphicsMode.Mode.NATIVE)
abstract class ClassifierCase {
    internal lateinit var runner: RecordingRunner
    internal lateinit var classifier: LevitClassifier

    @Before
    fun open() {
        assumeTrue(TestBundles.names.isNotEmpty())
        val bundle = TestBundles.open(TestBundles.LITERT)
        runner = RecordingRunner(Runners.open(bundle))
        classifier = LevitClassifier(bundle, runner, CheckResult(Verdict.PROVEN, emptyList(), 4, null), OneThread("test"))
    }

    @After
    fun closeAll() {
        if (::classifier.isInitialized) classifier.close()
    }

    /** What the core alone makes of a picture. */
    internal fun prepared(
        frame: Frame,
        orientation: Orientation = Orientation.UPRIGHT,
    ): ByteArray = Preprocessor(classifier.bundle.contract).apply { prepare(frame, orientation) }.pixels

    internal fun prepared(
        bitmap: Bitmap,
        orientation: Orientation = Orientation.UPRIGHT,
    ): ByteArray {
        val pixels = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(pixels, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        return prepared(ArgbFrame(pixels, bitmap.width, bitmap.height), orientation)
    }
}

/** A picture without symmetry: its corners differ, so that every turn shows. */
internal fun pattern(
    width: Int,
    height: Int,
): Bitmap {
    val colours = IntArray(width * height) { place -> opaque(place % width * 255 / width, place / width * 255 / height, (place * 7) % 256) }
    return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
}

private fun opaque(
    red: Int,
    green: Int,
    blue: Int,
): Int = 0xff shl 24 or (red shl 16) or (green shl 8) or blue
