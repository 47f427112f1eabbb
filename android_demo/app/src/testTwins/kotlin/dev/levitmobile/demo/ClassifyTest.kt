package dev.levitmobile.demo

import android.graphics.Bitmap
import android.graphics.Matrix
import androidx.lifecycle.ViewModelProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.Classification
import dev.levitmobile.demo.camera.CameraViewModel
import dev.levitmobile.demo.photo.PhotoViewModel
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.DeployedBundles
import dev.levitmobile.demo.support.Fingers
import dev.levitmobile.demo.support.Frames
import dev.levitmobile.demo.support.Picker
import dev.levitmobile.demo.support.Pictures
import dev.levitmobile.demo.support.Pixels
import dev.levitmobile.demo.support.Screen
import dev.levitmobile.demo.support.grantCamera
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.store.Bundle
import dev.levitmobile.twin.TestCamera
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** The app itself with the real runtimes: a digit and a camera frame are classified, and the numbers are Python's. */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = PHONE)
class ClassifyTest {
    @get:Rule
    val compose = ComposeRule()

    private val made by lazy { checkNotNull(DeployedBundles.folder?.parentFile) }

    @Before
    fun begin() {
        assumeTrue(
            "the bundles with Python's logits were not made",
            DeployedBundles.folder?.resolveSibling("expected")?.isDirectory == true,
        )
        TestCamera.reset()
    }

    @Test
    fun `LiteRT classifies a digit`() = classifiesDigits(LITERT, 1e-4)

    @Test
    fun `ExecuTorch classifies a digit`() = classifiesDigits(EXECUTORCH, 1e-4)

    @Test
    @Config(sdk = [26])
    fun `ExecuTorch classifies a digit on the oldest Android`() = classifiesDigits(EXECUTORCH, 1e-4)

    @Test
    @Config(sdk = [37])
    fun `LiteRT classifies a digit on the newest Android`() = classifiesDigits(LITERT, 1e-4)

    @Test
    fun `LiteRT classifies camera frames`() = classifiesFrames(LITERT, 1e-4)

    @Test
    fun `LiteRT classifies camera frames in int8`() = classifiesFrames(INT8, 1e-3)

    @Test
    fun `ExecuTorch classifies camera frames`() = classifiesFrames(EXECUTORCH, 1e-4)

    /** Every frame counts, in whichever way the phone is held. */
    private fun classifiesFrames(
        bundle: String,
        tolerance: Double,
    ) {
        DeployedBundles.deploy(bundle)
        grantCamera()
        App.start().use { app ->
            Screen.awaitTagged("state-ready")
            for ((number, rotation) in listOf(0, 90, 180, 270).withIndex()) {
                TwinCamera.send(turned(digit(number), -rotation), rotation)
                val expected = expected(bundle, number)
                Frames.awaitThat("the logits of digit $number") { abs(best(app) - expected.max()) < tolerance }
                assertLogits(expected, live(app), tolerance)
            }
            Pixels.of(app.activity).save("readme-camera-$bundle")
        }
    }

    @Test
    fun `golden images give Python's logits`() {
        DeployedBundles.deploy(LITERT, EXECUTORCH)
        App.start().use { app ->
            open(Tab.BUNDLES)
            Screen.awaitTagged("state-result")
            Pixels.of(app.activity).save("readme-bundles")
            for (name in listOf(LITERT, EXECUTORCH)) {
                Fingers.touchTagged("bundle-$name")
                Fingers.touchTagged("check-run")
                Screen.awaitTagged("check-result")
                val images = Bundle.open(File(checkNotNull(DeployedBundles.folder), name)).golden.size
                assertTrue(Screen.description(), Screen.find("$images golden images") != null)
                Pixels.of(app.activity).save("readme-check-$name")
                app.back()
            }
        }
    }

    private fun classifiesDigits(
        bundle: String,
        tolerance: Double,
    ) {
        DeployedBundles.deploy(bundle)
        App.start().use { app ->
            open(Tab.PHOTO)
            for (number in listOf(0, 5)) {
                Picker.pick(Pictures.png(digit(number), "digit-$number.png"))
                Screen.awaitTagged("state-result")
                assertLogits(expected(bundle, number), photo(app), tolerance)
            }
            Pixels.of(app.activity).save("readme-photo-$bundle")
        }
    }

    private fun photo(app: App): Classification =
        (ViewModelProvider(app.activity)[PhotoViewModel::class.java].state.value as ScreenState.Result).value.classification

    /** The highest logit of the last frame; NaN before the first. */
    private fun best(app: App): Float = if (Screen.tagged("top5") == null) Float.NaN else live(app).classes[0].logit

    private fun turned(
        bitmap: Bitmap,
        degrees: Int,
    ): Bitmap = Bitmap.createBitmap(bitmap, 0, 0, SIDE, SIDE, Matrix().apply { postRotate(degrees.toFloat()) }, false)

    private fun live(app: App): Classification =
        (ViewModelProvider(app.activity)[CameraViewModel::class.java].state.value as ScreenState.Result).value.classification

    private fun assertLogits(
        expected: FloatArray,
        found: Classification,
        tolerance: Double,
    ) {
        assertEquals(expected.indices.sortedByDescending { expected[it] }.take(5), found.classes.map { it.index })
        for (score in found.classes) assertEquals(score.label, expected[score.index].toDouble(), score.logit.toDouble(), tolerance)
    }

    private fun digit(number: Int): Bitmap {
        val rgb = File(made, "digits.rgb8").readBytes().copyOfRange(number * DIGIT, (number + 1) * DIGIT)
        return Pictures.ofRgb(rgb, SIDE, SIDE)
    }

    private fun expected(
        bundle: String,
        number: Int,
    ): FloatArray {
        val floats = ByteBuffer.wrap(File(made, "expected/$bundle.f32").readBytes()).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
        return FloatArray(CLASSES) { floats[number * CLASSES + it] }
    }

    private companion object {
        const val LITERT = "levit_128s-tflite-fp32"
        const val EXECUTORCH = "levit_128s-executorch-fp32"
        const val INT8 = "levit_128s-tflite-int8"
        const val SIDE = 256
        const val DIGIT = 3 * SIDE * SIDE
        const val CLASSES = 10
    }
}
