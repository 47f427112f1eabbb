package dev.levitmobile.demo

import android.content.Intent
import android.net.Uri
import android.provider.Settings
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.demo.camera.CameraPermission
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.Fingers
import dev.levitmobile.demo.support.Frames
import dev.levitmobile.demo.support.Permissions
import dev.levitmobile.demo.support.Picker
import dev.levitmobile.demo.support.Pictures
import dev.levitmobile.demo.support.Records
import dev.levitmobile.demo.support.SampleBundle
import dev.levitmobile.demo.support.Samples
import dev.levitmobile.demo.support.Screen
import dev.levitmobile.demo.support.TestApplication
import dev.levitmobile.demo.support.grantCamera
import dev.levitmobile.demo.support.testGraph
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingStep
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** What the app does with its window, its state and other apps. */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = TestApplication::class, qualifiers = PHONE)
class AppTest {
    @get:Rule
    val compose = ComposeRule()

    private fun share(
        picture: Uri,
        type: String = "image/jpeg",
    ) = Intent(ApplicationProvider.getApplicationContext(), MainActivity::class.java)
        .setAction(Intent.ACTION_SEND)
        .setType(type)
        .putExtra(Intent.EXTRA_STREAM, picture)

    private fun plan(text: String) =
        Intent(ApplicationProvider.getApplicationContext(), MainActivity::class.java).putExtra("plan", text).putExtra("record", "night")

    @Test
    fun `back leads to the camera and then out of the app`() {
        App.start().use { app ->
            open(Tab.BUNDLES)
            Fingers.touchTagged("bundle-${SampleBundle.NAME}")
            Screen.awaitTagged("bundle-page")
            app.back()
            Screen.awaitTagged("state-result")
            assertNull(Screen.tagged("bundle-page"))
            app.back()
            Screen.awaitTagged("state-ask")
            assertFalse(app.activity.isFinishing)
            app.back()
            assertTrue(app.activity.isFinishing)
        }
    }

    @Test
    fun `a new activity shows the same screen, and nothing runs twice`() {
        App.start().use { app ->
            open(Tab.PHOTO)
            Picker.pick(Pictures.sample())
            Screen.awaitTagged("top5")
            val before = app.activity
            app.recreate()
            assertNotSame(before, app.activity)
            Screen.awaitTagged("top5")
            assertEquals(1, testGraph.classifiers.pictures.size)
        }
    }

    @Test
    fun `the screen, the picture, the page and the choices survive the death of the process`() {
        val picture = Pictures.sample()
        val first = App.start()
        open(Tab.BENCHMARK)
        Fingers.touchTagged("benchmark-rounds-200")
        Fingers.touchTagged("benchmark-bundle-${SampleBundle.OTHER}")
        open(Tab.BUNDLES)
        Fingers.touchTagged("bundle-${SampleBundle.OTHER}")
        Fingers.touchTagged("bundle-use")
        open(Tab.PHOTO)
        Picker.pick(picture)
        Screen.awaitTagged("top5")
        testGraph.forgetChoice()
        testGraph.classifiers.pictures.clear()
        first.dieAndReturn().use {
            Screen.awaitTagged("top5")
            assertEquals(listOf(picture), testGraph.classifiers.pictures.distinct())
            open(Tab.BUNDLES)
            Screen.awaitTagged("bundle-page")
            open(Tab.BENCHMARK)
            Fingers.touchTagged("benchmark-start")
            val started =
                testGraph.benchmark.started
                    .single()
                    .first
            assertEquals(200, started.rounds)
            assertEquals(listOf(SampleBundle.NAME), started.steps.map { it.bundle })
        }
    }

    @Test
    fun `the chosen bundle survives the death of the process`() {
        val first = App.start()
        testGraph.selection.choose(Choice(SampleBundle.OTHER, Accelerator.GPU, 2))
        Frames.pass()
        testGraph.forgetChoice()
        first.dieAndReturn().use { assertEquals(Choice(SampleBundle.OTHER, Accelerator.GPU, 2), testGraph.selection.choice.value) }
    }

    @Test
    fun `a picture that another app shares is classified, also in the open window`() {
        val picture = Pictures.sample()
        App.start(share(picture)).use { app ->
            Screen.awaitTagged("top5")
            assertEquals(listOf(picture), testGraph.classifiers.pictures)
            open(Tab.CAMERA)
            val other = Pictures.jpeg(Pictures.quarters(48, 64), 3)
            app.receive(share(other))
            Screen.awaitTagged("top5")
            Frames.awaitThat("the other picture's classes") { testGraph.classifiers.pictures.last() == other }
        }
    }

    @Test
    fun `files of the app itself and what is no picture are not taken`() {
        for (intent in listOf(share(Uri.parse("file:///data/data/secret.jpg")), share(Pictures.sample(), type = "text/plain"))) {
            App.start(intent).use {
                Screen.awaitTagged("state-ask")
                assertTrue(testGraph.classifiers.pictures.isEmpty())
            }
        }
    }

    @Test
    fun `the picker may be left without a picture`() {
        App.start().use {
            open(Tab.PHOTO)
            Picker.pick(null)
            Screen.awaitTagged("state-empty")
            Picker.pick(Pictures.sample())
            Screen.awaitTagged("top5")
            Picker.pick(null)
            Screen.awaitTagged("top5")
        }
    }

    @Test
    fun `the picker offers pictures only`() {
        App.start().use { app ->
            open(Tab.PHOTO)
            Fingers.touchTagged("photo-pick")
            assertEquals("image/*", shadowOf(app.activity).nextStartedActivityForResult.intent.type)
        }
    }

    @Test
    fun `the camera starts when it is allowed`() {
        App.start().use {
            assertFalse(testGraph.camera.isStreaming)
            Permissions.answer(granted = true, mayAskAgain = false)
            testGraph.camera.send()
            Screen.awaitTagged("top5")
        }
    }

    @Test
    fun `the app asks again after a denial, and then opens the settings`() {
        App.start().use { app ->
            Permissions.answer(granted = false, mayAskAgain = true)
            Screen.awaitTagged("state-failed")
            Fingers.touchTagged("failed-action")
            Permissions.answerAsked(granted = false, mayAskAgain = false)
            Fingers.touchTagged("failed-action")
            val opened = shadowOf(app.activity).nextStartedActivity // the newest
            assertEquals(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, opened.action)
            assertEquals("package:${app.activity.packageName}", opened.dataString)
        }
    }

    @Test
    fun `a permission that the settings gave is seen when the app comes back`() {
        assertEquals(CameraPermission.GRANTED, CameraPermission.DENIED_FOR_GOOD.seen(granted = true))
        val first = App.start()
        Permissions.answer(granted = false, mayAskAgain = false)
        Screen.awaitTagged("state-failed")
        grantCamera()
        first.dieAndReturn().use { Frames.awaitThat("a camera that streams") { testGraph.camera.isStreaming } }
    }

    @Test
    fun `a plan of another app is started once`() {
        val plan = TimingPlan(steps = listOf(TimingStep(SampleBundle.NAME)), rounds = 7)
        App.start(plan(plan.write())).use { app ->
            Screen.awaitTagged("state-running")
            app.recreate()
            Screen.awaitTagged("state-running")
            assertEquals(listOf(plan to "night"), testGraph.benchmark.started)
        }
    }

    @Test
    fun `a plan that cannot be read is refused in words`() {
        App.start(plan("{}")).use {
            Screen.awaitTagged("refused-plan")
            Fingers.touch("Close")
            Screen.awaitTagged("state-ready")
            assertNull(Screen.tagged("refused-plan"))
            assertTrue(testGraph.benchmark.started.isEmpty())
        }
    }

    @Test
    fun `a benchmark can be cancelled`() {
        App.start().use {
            open(Tab.BENCHMARK)
            Fingers.touchTagged("benchmark-start")
            Fingers.touchTagged("benchmark-cancel")
            Screen.awaitTagged("state-ready")
            assertEquals(ScreenState.Ready, testGraph.benchmark.progress.value)
        }
    }

    @Test
    fun `a record is shared by an address that the other app may read`() {
        val record = Records.sample()
        testGraph.benchmark.progress.value = ScreenState.Result(Samples.table(record))
        App.start().use { app ->
            open(Tab.BENCHMARK)
            Fingers.touchTagged("benchmark-share")
            val chooser = shadowOf(app.activity).nextStartedActivity
            val sent = checkNotNull(chooser.getParcelableExtra(Intent.EXTRA_INTENT, Intent::class.java))
            val address = checkNotNull(sent.getParcelableExtra(Intent.EXTRA_STREAM, Uri::class.java))
            assertEquals("application/json", sent.type)
            assertTrue(sent.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
            assertEquals(
                "{}",
                app.activity.contentResolver
                    .openInputStream(address)
                    ?.use { String(it.readBytes()) },
            )
        }
    }
}
