package dev.levitmobile.demo

import android.os.StrictMode
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.demo.bundles.DeviceBundles
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.DeployedBundles
import dev.levitmobile.demo.support.FileReads
import dev.levitmobile.demo.support.Fingers
import dev.levitmobile.demo.support.Frames
import dev.levitmobile.demo.support.Pictures
import dev.levitmobile.demo.support.SampleBundle
import dev.levitmobile.demo.support.Screen
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.File

/** The main thread reads and writes no file of a bundle, a picture or a record. */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(qualifiers = PHONE)
class MainThreadTest {
    @get:Rule
    val compose = ComposeRule()

    @Test
    fun `bundles and pictures are for other threads`() {
        DeployedBundles.deploy(mapOf(SampleBundle.NAME to SampleBundle.files))
        val picture = Pictures.sample()
        val touched =
            FileReads.during {
                App.start().use {
                    open(Tab.BUNDLES)
                    Fingers.touchTagged("bundle-${SampleBundle.NAME}")
                    Screen.awaitTagged("contract")
                    Fingers.touchTagged("check-run")
                    Frames.awaitThat("the end of the self-check") {
                        Screen.tagged("check-failed") != null ||
                            Screen.tagged("check-result") != null
                    }
                    open(Tab.PHOTO)
                    Screen.awaitTagged("state-failed")
                    open(Tab.BENCHMARK)
                    Screen.awaitTagged("state-ready")
                }
            }
        val own = touched.filter { "-dataDir" in it || "external-files" in it || File(it).name.startsWith("assets") }
        assertEquals("", own.distinct().joinToString("\n"))
        assertTrue(picture.toString(), touched.none { it.endsWith(picture.lastPathSegment.orEmpty()) })
    }

    @Test
    fun `a debuggable app ends where its own code works on the main thread`() {
        val policy = StrictMode.getThreadPolicy()
        try {
            guardMainThread()
            runBlocking { DeviceBundles(ApplicationProvider.getApplicationContext(), Dispatchers.Unconfined).list() }
            assertThrows(MainThreadException::class.java) { Frames.pass() }
        } finally {
            StrictMode.setThreadPolicy(policy)
        }
    }
}
