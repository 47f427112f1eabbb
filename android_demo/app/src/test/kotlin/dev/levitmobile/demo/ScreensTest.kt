package dev.levitmobile.demo

import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.Frames
import dev.levitmobile.demo.support.Pixels
import dev.levitmobile.demo.support.Screen
import dev.levitmobile.demo.support.ScreenCase
import dev.levitmobile.demo.support.TalkBack
import dev.levitmobile.demo.support.TestApplication
import dev.levitmobile.demo.support.Texts
import dev.levitmobile.demo.support.screenCases
import dev.levitmobile.demo.support.testGraph
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/**
 * Every screen in every state, as the phone shows it: nothing is cut, overlaps, or is drawn backwards, every text has
 * contrast, and TalkBack reaches, names and presses everything.
 *
 * With a folder in the system property `levit.screens` each is written there as a picture.
 */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = TestApplication::class, qualifiers = PHONE)
class ScreensTest {
    @get:Rule
    val compose = ComposeRule()

    @Test
    fun `on a phone`() = look("phone")

    @Test
    @Config(sdk = [26])
    fun `on the oldest Android`() = look("android8", screenCases.filter { it.isTypical })

    @Test
    @Config(sdk = [37])
    fun `on the newest Android`() = look("android17", screenCases.filter { it.isTypical })

    @Test
    @Config(qualifiers = "+night")
    fun `in the dark`() = look("night")

    @Test
    fun `with letters of twice the size`() {
        RuntimeEnvironment.setFontScale(2f)
        look("font2")
    }

    @Test
    @Config(qualifiers = "+ar-ldrtl")
    fun `from right to left`() = look("rtl")

    @Test
    @Config(qualifiers = "+de")
    fun `in German`() = look("german", screenCases.filter { it.isTypical })

    @Test
    @Config(qualifiers = LYING_PHONE)
    fun `on a phone that lies on its side`() = look("landscape", screenCases.filter { it.isTypical })

    @Test
    @Config(qualifiers = TABLET)
    fun `on a tablet`() = look("tablet", screenCases.filter { it.isTypical })

    private fun look(
        variant: String,
        cases: List<ScreenCase> = screenCases,
    ) {
        TalkBack.start()
        val faults = cases.flatMap { case -> faultsOf(case, variant).map { "$case: $it" } }
        assertEquals("", faults.joinToString("\n"))
    }

    /** A state that does not appear is a fault too, so that one run finds all of them. */
    private fun faultsOf(
        case: ScreenCase,
        variant: String,
    ): List<String> {
        testGraph.reset()
        case.arrange(testGraph)
        return App.start().use {
            try {
                open(case.tab)
                case.act(testGraph)
                Screen.awaitTagged(case.tag)
                Frames.pass()
                val faint = Texts.faint(Pixels.of(Screen.activity()).save("$case-$variant"))
                faint + Texts.faults() + TalkBack.faults()
            } catch (error: AssertionError) {
                listOf(error.message.orEmpty())
            }
        }
    }
}
