package dev.levitmobile.demo.support

import android.accessibilityservice.AccessibilityServiceInfo
import android.content.Context
import android.view.View
import android.view.accessibility.AccessibilityManager
import android.view.accessibility.AccessibilityNodeInfo
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getOrNull
import androidx.test.core.app.ApplicationProvider
import org.robolectric.Shadows.shadowOf

/** The screen as TalkBack gets it: through the views' AccessibilityNodeProvider alone. */
object TalkBack {
    private const val LEAST_DP = 48f

    private const val MOST_PAGES = 50

    // Layout rounds to whole pixels.
    private const val ROUNDING_DP = 0.5f

    /** Switch TalkBack on; call it before a screen is launched, since Compose tells nothing about changes otherwise. */
    fun start() {
        val context = ApplicationProvider.getApplicationContext<Context>()
        shadowOf(context.getSystemService(AccessibilityManager::class.java)).run {
            setEnabledAccessibilityServiceList(listOf(AccessibilityServiceInfo()))
            setEnabled(true)
            setTouchExplorationEnabled(true)
        }
    }

    /** One thing on which TalkBack stops. */
    class Stop(
        private val root: View,
        private val parts: Map<Int, SemanticsNode>,
        val node: SemanticsNode,
    ) {
        private val provider = checkNotNull(root.accessibilityNodeProvider) { "the Compose view is closed to TalkBack" }

        /** What the platform learns about the node. */
        val info: AccessibilityNodeInfo? get() = provider.createAccessibilityNodeInfo(node.id)

        /** What is read out: texts and descriptions of the node, or of its parts if it has none itself. */
        val spoken: String get() = own(node.id).ifEmpty { partsBelow().map { own(it.id) }.filter { it.isNotEmpty() }.joinToString(", ") }

        /** Whether a double tap does something. */
        val isClickable: Boolean get() = AccessibilityNodeInfo.AccessibilityAction.ACTION_CLICK in actions

        /** Whether it is the selected one of several, which cannot be selected again. */
        val isSelected: Boolean get() = node.config.getOrNull(SemanticsProperties.Selected) == true

        /** What can be done with the node. */
        val actions: List<AccessibilityNodeInfo.AccessibilityAction> get() = info?.actionList.orEmpty()

        /** Double tap. */
        fun press(): Boolean = perform(AccessibilityNodeInfo.ACTION_CLICK)

        /** Do something with the node; false if it refuses. */
        fun perform(action: Int): Boolean = provider.performAction(node.id, action, null).also { Frames.pass() }

        /** Width and height of the place that reacts to a touch, in dp. */
        val target: Pair<Float, Float>
            get() {
                val density = root.resources.displayMetrics.density
                return node.touchBoundsInRoot.run { width / density to height / density }
            }

        private fun own(id: Int): String =
            provider.createAccessibilityNodeInfo(id)?.run { listOfNotNull(contentDescription, text).joinToString(", ") }.orEmpty()

        private fun partsBelow(): List<SemanticsNode> = parts[node.id]?.let(::below).orEmpty()

        private fun below(part: SemanticsNode): List<SemanticsNode> = part.children.flatMap { listOf(it) + below(it) }
    }

    /** Everything that can be pressed and is on the screen now, in the order of the tree. */
    fun pressable(): List<Stop> = stops().filter { it.node.isPressable && it.info != null }

    /** The stop that is read out with [text]; it must be on the screen. */
    fun find(text: String): Stop =
        checkNotNull(
            stops().firstOrNull { it.info != null && text in it.spoken },
        ) { "TalkBack never reads '$text':\n${Screen.description()}" }

    /** Everything that is read out on the screen now, in the order of the tree. */
    fun spoken(): List<String> = stops().filter { it.info != null && (it.node.isPressable || it.node.text.isNotEmpty()) }.map { it.spoken }

    /**
     * Walk through the whole screen as TalkBack does, which scrolls forward where a list goes on.
     *
     * @param visit Called on each page.
     */
    fun walk(visit: () -> Unit) {
        repeat(MOST_PAGES) {
            visit()
            val more = stops().firstOrNull { AccessibilityNodeInfo.AccessibilityAction.ACTION_SCROLL_FORWARD in it.actions } ?: return
            check(more.perform(AccessibilityNodeInfo.ACTION_SCROLL_FORWARD)) { "TalkBack cannot scroll ${more.node.description}" }
        }
        throw AssertionError("the screen has no end:\n${Screen.description()}")
    }

    /** Faults of everything that can be pressed: no name, too small, or out of TalkBack's reach. */
    fun faults(): List<String> {
        val visits = mutableMapOf<Int, MutableList<String?>>()
        walk { stops().filter { it.node.isPressable }.forEach { visits.getOrPut(it.node.id) { mutableListOf() } += faultOf(it) } }
        // What is cut off by the edge of one page is whole on another.
        return visits.values.mapNotNull { faults -> faults.last().takeIf { null !in faults } }
    }

    private fun faultOf(stop: Stop): String? {
        val (width, height) = stop.target
        val fault =
            when {
                stop.info?.isVisibleToUser != true -> "TalkBack cannot reach it"
                stop.spoken.isBlank() -> "it has no name"
                stop.node.isEnabled && !stop.isClickable && !stop.isSelected -> "TalkBack cannot press it"
                minOf(width, height) < LEAST_DP - ROUNDING_DP -> "its target is %.1f x %.1f dp".format(width, height)
                else -> null
            }
        return fault?.let { "$it: ${stop.node.description}" }
    }

    private fun stops(): List<Stop> =
        Screen.roots().flatMap { root ->
            val parts = Screen.parts(root).associateBy { it.id }
            Screen.nodes(root).map { Stop(root, parts, it) }
        }
}
