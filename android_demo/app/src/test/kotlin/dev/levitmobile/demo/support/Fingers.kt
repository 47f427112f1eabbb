package dev.levitmobile.demo.support

import android.os.SystemClock
import android.view.MotionEvent
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.node.RootForTest
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.getOrNull

/** Ways to press something. */
object Fingers {
    private const val PRESS_MS = 40L

    /** Touch the middle of a node with a finger: what covers it gets the touch, and what is off screen gets none. */
    fun touch(node: SemanticsNode) {
        val view = Screen.viewOf(node)
        val start = SystemClock.uptimeMillis()
        send(view, MotionEvent.ACTION_DOWN, start, 0, node.boundsInRoot.center)
        Frames.pass(3)
        send(view, MotionEvent.ACTION_UP, start, PRESS_MS, node.boundsInRoot.center)
        Frames.pass()
    }

    /** Touch the node that shows [text] as soon as it is there and enabled, after scrolling to it. */
    fun touch(text: String) = touchFound("'$text'") { Screen.find(text) }

    /** The same for the node with a test tag. */
    fun touchTagged(tag: String) = touchFound("the node tagged $tag") { Screen.tagged(tag) }

    private fun touchFound(
        what: String,
        find: () -> SemanticsNode?,
    ) {
        // A new node is part of the tree before it has a place on the screen.
        show(Frames.await("$what, enabled") { find()?.takeIf { it.isEnabled && it.size.width > 0 && it.layoutInfo.isPlaced } })
        touch(checkNotNull(find()) { "$what disappeared:\n${Screen.description()}" })
    }

    /** Scroll until the whole node is on the screen. */
    fun show(node: SemanticsNode) {
        for (scrollable in generateSequence(node.parent) { it.parent }) {
            val scroll = scrollable.config.getOrNull(SemanticsActions.ScrollBy)?.action ?: continue
            val window = scrollable.boundsInRoot
            val top = node.positionInRoot.y
            val bottom = top + node.size.height
            val missing = if (bottom > window.bottom) bottom - window.bottom else minOf(0f, top - window.top)
            if (missing != 0f) scroll(0f, missing)
            Frames.pass()
        }
    }

    private fun send(
        view: android.view.View,
        action: Int,
        start: Long,
        after: Long,
        at: Offset,
    ) {
        val place = IntArray(2).also { view.getLocationInWindow(it) }
        val event = MotionEvent.obtain(start, start + after, action, at.x + place[0], at.y + place[1], 0)
        view.rootView.dispatchTouchEvent(event)
        event.recycle()
    }
}
