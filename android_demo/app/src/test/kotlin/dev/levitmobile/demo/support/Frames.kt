package dev.levitmobile.demo.support

import android.os.Looper
import org.robolectric.Shadows.shadowOf
import java.time.Duration
import java.util.concurrent.TimeUnit

/** Time on the paused main looper. Nothing is drawn unless a test lets frames pass. */
object Frames {
    /** Time between two frames. */
    val frame: Duration = Duration.ofMillis(16)

    private val longest = TimeUnit.SECONDS.toNanos(20)

    /** Let frames pass; 30 are enough for ripples and changes of a screen. */
    fun pass(count: Int = 30) = repeat(count) { shadowOf(Looper.getMainLooper()).idleFor(frame) }

    /**
     * Let frames pass until a value is there. Background threads get real time between two frames.
     *
     * @param what The name of the value, for the error message.
     */
    fun <T : Any> await(
        what: String,
        value: () -> T?,
    ): T {
        val end = System.nanoTime() + longest
        while (System.nanoTime() < end) {
            pass(1)
            value()?.let { return it }
            Thread.sleep(1)
        }
        throw AssertionError("$what did not appear; the screen shows\n${Screen.description()}")
    }

    /** Let frames pass until a condition holds. */
    fun awaitThat(
        what: String,
        condition: () -> Boolean,
    ) {
        await(what) { condition().takeIf { it } }
    }
}
