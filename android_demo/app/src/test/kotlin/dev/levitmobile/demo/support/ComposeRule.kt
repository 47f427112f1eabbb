package dev.levitmobile.demo.support

import android.content.Context
import android.os.Looper
import android.provider.Settings
import androidx.compose.ui.platform.AndroidUiDispatcher
import androidx.test.core.app.ApplicationProvider
import kotlinx.coroutines.CoroutineDispatcher
import org.junit.rules.ExternalResource
import org.robolectric.Shadows.shadowOf
import java.time.Duration
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.EmptyCoroutineContext

/**
 * Lets a test draw although the test before it ended while Compose waited for a frame.
 *
 * Robolectric empties the main looper between tests. Compose's dispatcher survives them: it remembers that it has posted
 * itself and never posts again, so that nothing is drawn in any later test. This rule makes it forget that.
 */
class ComposeRule : ExternalResource() {
    override fun before() {
        stopAnimations()
        val dispatcher = AndroidUiDispatcher.Main[ContinuationInterceptor] as CoroutineDispatcher
        for (name in POSTED) dispatcher.forget(name)
        dispatcher.dispatch(EmptyCoroutineContext) {}
        Frames.pass(2)
    }

    override fun after() = shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(100))

    /** A spinner turns for ever otherwise, and a launch waits until nothing moves. */
    private fun stopAnimations() {
        val resolver = ApplicationProvider.getApplicationContext<Context>().contentResolver
        Settings.Global.putFloat(resolver, Settings.Global.ANIMATOR_DURATION_SCALE, 0f)
    }

    private fun CoroutineDispatcher.forget(name: String) {
        val field = javaClass.getDeclaredField(name)
        field.isAccessible = true
        field.setBoolean(this, false)
    }

    private companion object {
        val POSTED = listOf("scheduledTrampolineDispatch", "scheduledFrameDispatch")
    }
}
