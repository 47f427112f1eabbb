package dev.levitmobile.demo

import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.DeployedBundles
import dev.levitmobile.demo.support.Fingers
import dev.levitmobile.demo.support.SampleBundle
import dev.levitmobile.demo.support.Screen
import dev.levitmobile.store.IndexedFile
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The app itself, on a device where something is wrong with its bundles. */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = PHONE)
class BundleFailuresTest {
    @get:Rule
    val compose = ComposeRule()

    private val bundle = mapOf(SampleBundle.NAME to SampleBundle.files)

    private fun assertShown(vararg texts: String) {
        for (text in texts) assertTrue("'$text' is not in\n${Screen.description()}", Screen.texts().any { text in it })
    }

    private fun openPage() {
        open(Tab.BUNDLES)
        Fingers.touchTagged("bundle-${SampleBundle.NAME}")
    }

    @Test
    fun `without a bundle every screen says how to get one`() {
        App.start().use {
            for (tab in listOf(Tab.PHOTO, Tab.BENCHMARK, Tab.BUNDLES)) {
                open(tab)
                Screen.awaitTagged("state-failed")
                assertShown("levit-mobile deploy")
            }
        }
    }

    @Test
    fun `a sound bundle is copied and opened`() {
        DeployedBundles.deploy(bundle)
        App.start().use {
            openPage()
            Screen.awaitTagged("contract")
            assertShown(SampleBundle.NAME, "levit_128s", "tflite-int8")
        }
    }

    @Test
    fun `a bundle whose file was cut short is refused, and the words name the file`() {
        DeployedBundles.deploy(bundle, stored = { path, bytes -> if (path == "model.tflite") bytes.copyOf(bytes.size - 1) else bytes })
        App.start().use {
            openPage()
            Screen.awaitTagged("state-failed")
            assertShown("model.tflite")
        }
    }

    @Test
    fun `a bundle with a swapped file is refused`() {
        val other = ByteArray(SampleBundle.files.getValue("model.tflite").size) { 1 }
        DeployedBundles.deploy(bundle, stored = { path, bytes -> if (path == "model.tflite") other else bytes })
        App.start().use {
            openPage()
            Screen.awaitTagged("state-failed")
            assertShown("model.tflite")
            open(Tab.PHOTO)
            Screen.awaitTagged("state-failed")
            assertShown("model.tflite")
        }
    }

    @Test
    fun `a bundle that lacks a file is refused`() {
        DeployedBundles.deploy(bundle, stored = { path, bytes -> bytes.takeIf { path != "golden/0.f32" } })
        App.start().use {
            openPage()
            Screen.awaitTagged("state-failed")
            assertShown("golden/0.f32")
        }
    }

    @Test
    fun `a full storage is named, with the size that is missing`() {
        val huge = 4_000_000_000_000_000
        val digest = DeployedBundles.sha256(ByteArray(0))
        DeployedBundles.deploy(
            bundle,
            stated = { path, bytes -> IndexedFile(path, if (path == "model.tflite") huge else bytes.size.toLong(), digest) },
        )
        App.start().use {
            openPage()
            Screen.awaitTagged("state-failed")
            assertShown("MB")
        }
    }

    @Test
    fun `a bundle that was damaged on the device is refused`() {
        DeployedBundles.deploy(bundle)
        App.start().use { app ->
            openPage()
            Screen.awaitTagged("contract")
            val model =
                app.activity.noBackupFilesDir
                    .walk()
                    .first { it.name == "model.tflite" }
            model.writeBytes(ByteArray(model.length().toInt()) { 2 })
            app.back()
            openPage()
            Screen.awaitTagged("state-failed")
            assertShown("model.tflite")
        }
    }
}
