package dev.levitmobile.demo

import androidx.camera.core.CameraSelector
import androidx.camera.core.CameraState
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.demo.camera.DeviceCamera
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.Fingers
import dev.levitmobile.demo.support.Frames
import dev.levitmobile.demo.support.Pictures
import dev.levitmobile.demo.support.Samples
import dev.levitmobile.demo.support.Screen
import dev.levitmobile.demo.support.TestApplication
import dev.levitmobile.demo.support.grantCamera
import dev.levitmobile.demo.support.testGraph
import dev.levitmobile.twin.TestCamera
import kotlinx.coroutines.CompletableDeferred
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The camera screen on the twin of CameraX: what becomes of its frames, and what the screen shows when it fails. */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = TestApplication::class, qualifiers = PHONE)
class CameraTest {
    @get:Rule
    val compose = ComposeRule()

    private val picture = Pictures.quarters(64, 48)

    @Before
    fun begin() {
        TestCamera.reset()
        testGraph.camera.inner = DeviceCamera(testGraph.context)
        grantCamera()
    }

    @Test
    fun `every frame is closed`() {
        App.start().use {
            repeat(20) {
                TwinCamera.send(picture, rotation = 90 * (it % 4))
                Frames.awaitThat("a closed frame") { TestCamera.unclosed == 0 }
            }
            Screen.awaitTagged("top5")
        }
        assertEquals(0, TestCamera.unclosed)
    }

    @Test
    fun `a frame is closed though its bundle fails`() {
        testGraph.classifiers.answer = { error("the runtime failed") }
        App.start().use {
            TwinCamera.send(picture)
            Screen.awaitTagged("state-failed")
            Frames.awaitThat("a closed frame") { TestCamera.unclosed == 0 }
        }
    }

    @Test
    fun `one frame is classified at a time`() {
        val answer = CompletableDeferred<Unit>()
        var running = 0
        var most = 0
        testGraph.classifiers.answer = {
            running++
            most = maxOf(most, running)
            answer.await()
            running--
            Samples.classification
        }
        App.start().use {
            repeat(10) { TwinCamera.send(picture) }
            Frames.pass()
            assertEquals(1, TestCamera.unclosed)
            answer.complete(Unit)
            Screen.awaitTagged("top5")
            Frames.awaitThat("closed frames") { TestCamera.unclosed == 0 }
            assertEquals(1, most)
        }
    }

    @Test
    fun `no frame comes to another screen or after the end`() {
        App.start().use {
            TwinCamera.send(picture)
            Screen.awaitTagged("top5")
            open(Tab.BUNDLES)
            assertFalse(streams())
            open(Tab.CAMERA)
            TwinCamera.send(picture)
        }
        assertFalse(streams())
        assertEquals(0, TestCamera.unclosed)
    }

    @Test
    fun `a frame that is classified while the app ends is closed`() {
        testGraph.classifiers.answer = { CompletableDeferred<Nothing>().await() }
        App.start().use {
            TwinCamera.send(picture)
            Frames.pass()
            assertEquals(1, TestCamera.unclosed)
        }
        Frames.awaitThat("a closed frame") { TestCamera.unclosed == 0 }
    }

    @Test
    fun `the front camera is used where there is no other`() {
        TestCamera.lenses = setOf(CameraSelector.LENS_FACING_FRONT)
        App.start().use {
            TwinCamera.send(picture)
            Screen.awaitTagged("top5")
        }
    }

    @Test
    fun `a device without a camera is told so`() {
        TestCamera.lenses = emptySet()
        App.start().use { Screen.await("camera") }
        TestCamera.lenses = setOf(CameraSelector.LENS_FACING_BACK)
        TestCamera.startFailure = IllegalStateException("no camera service")
        App.start().use { Screen.awaitTagged("state-failed") }
    }

    @Test
    fun `a camera that refuses is tried again`() {
        TestCamera.bindFailure = IllegalArgumentException("the camera has no such use cases")
        App.start().use {
            Screen.awaitTagged("state-failed")
            TestCamera.bindFailure = null
            Fingers.touchTagged("failed-action")
            TwinCamera.send(picture)
            Screen.awaitTagged("top5")
        }
    }

    @Test
    fun `a camera that another app took comes back`() {
        App.start().use {
            TwinCamera.send(picture)
            Screen.awaitTagged("top5")
            TestCamera.report(CameraState.ERROR_CAMERA_IN_USE)
            Screen.awaitTagged("state-failed")
            TestCamera.report(null)
            TwinCamera.send(picture)
            Screen.awaitTagged("top5")
            assertNull(Screen.tagged("state-failed"))
        }
    }

    private fun streams(): Boolean = TestCamera.frame(ByteArray(4 * 8 * 8), 8, 8)
}
