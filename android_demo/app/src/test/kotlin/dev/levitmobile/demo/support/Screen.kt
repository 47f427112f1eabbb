package dev.levitmobile.demo.support

import android.annotation.SuppressLint
import android.app.Activity
import android.content.Context
import android.content.ContextWrapper
import android.view.View
import android.view.ViewGroup
import androidx.compose.ui.node.RootForTest
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.semantics.getAllSemanticsNodes
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.text.TextLayoutResult
import androidx.compose.ui.text.TextMeasurer
import androidx.compose.ui.unit.Constraints

/** What all windows show, dialogs and menus included, as Compose's semantics. */
object Screen {
    /** The Compose views of all windows, newest window first. */
    fun roots(): List<View> = windows().reversed().flatMap { below(it) }.filter { it is RootForTest }

    /** The Compose view of a node. */
    fun viewOf(node: SemanticsNode): View = roots().first { root -> parts(root).any { it.id == node.id && it.root == node.root } }

    /** The activity whose window is in front. */
    fun activity(): Activity = roots().firstNotNullOf { activityOf(it.context) }

    private fun activityOf(context: Context): Activity? =
        generateSequence(context) {
            (it as? ContextWrapper)?.baseContext
        }.firstNotNullOfOrNull { it as? Activity }

    /** The nodes that TalkBack gets: a button and its label are one node. */
    fun nodes(): List<SemanticsNode> = roots().flatMap { nodes(it) }

    /** The same of one Compose view. */
    fun nodes(root: View): List<SemanticsNode> = all(root, merged = true)

    /** All nodes by themselves: a button's label is a node below the button. */
    fun parts(): List<SemanticsNode> = roots().flatMap { parts(it) }

    /** The same of one Compose view. */
    fun parts(root: View): List<SemanticsNode> = all(root, merged = false)

    /** The texts of all parts, in the order of the tree. */
    fun texts(): List<String> = parts().map { it.text }.filter { it.isNotEmpty() }

    /** The first node that shows [text] or is described by it, itself or in its parts. */
    fun find(text: String): SemanticsNode? = nodes().firstOrNull { text in it.text }

    /** The first node with a test tag. */
    fun tagged(tag: String): SemanticsNode? = parts().firstOrNull { it.config.getOrNull(SemanticsProperties.TestTag) == tag }

    /** Wait for a node that shows [text]. */
    fun await(text: String): SemanticsNode = Frames.await("'$text'") { find(text) }

    /** Wait for a node with a test tag. */
    fun awaitTagged(tag: String): SemanticsNode = Frames.await("the node tagged $tag") { tagged(tag) }

    /** All nodes in words, for error messages. */
    fun description(): String = nodes().joinToString("\n") { it.description }

    /** A change gets its place only when the window is drawn, which Robolectric may put off; Compose's own tests ask for it too. */
    private fun all(
        root: View,
        merged: Boolean,
    ): List<SemanticsNode> {
        (root as RootForTest).measureAndLayoutForTest()
        return root.semanticsOwner.getAllSemanticsNodes(mergingEnabled = merged, skipDeactivatedNodes = true)
    }

    // WindowInspector came with API 29; the field that it reads is older.
    @SuppressLint("PrivateApi", "DiscouragedPrivateApi")
    private fun windows(): List<View> {
        val type = Class.forName("android.view.WindowManagerGlobal")
        val field = type.getDeclaredField("mViews").apply { isAccessible = true }
        return (field.get(type.getMethod("getInstance").invoke(null)) as List<*>).map { it as View }
    }

    private fun below(view: View): List<View> =
        listOf(view) + ((view as? ViewGroup)?.let { group -> (0 until group.childCount).flatMap { below(group.getChildAt(it)) } }.orEmpty())
}

/** Where a long name may be broken; it is not seen. */
private const val BREAK = "\u200b"

/** What the node shows and is described by. */
val SemanticsNode.text: String
    get() {
        val shown = config.getOrNull(SemanticsProperties.Text).orEmpty().map { it.text }
        val edited = listOfNotNull(config.getOrNull(SemanticsProperties.EditableText)?.text)
        val all = shown + edited + config.getOrNull(SemanticsProperties.ContentDescription).orEmpty()
        return all.joinToString(" ").replace(BREAK, "")
    }

/** Whether the node can be pressed now or would be if it were not disabled. */
val SemanticsNode.isPressable: Boolean get() = SemanticsActions.OnClick in config

/** Whether the node is not marked as disabled. */
val SemanticsNode.isEnabled: Boolean get() = SemanticsProperties.Disabled !in config

/**
 * How the node's text is laid out in its place; null if it has none.
 *
 * Compose hands out a layout that is made anew, as wide as the text might have been and always from left to right. So
 * the text is measured again in the place and in the direction that it has.
 */
val SemanticsNode.textLayout: TextLayoutResult?
    get() {
        val layouts = mutableListOf<TextLayoutResult>()
        config.getOrNull(SemanticsActions.GetTextLayoutResult)?.action?.invoke(layouts)
        val input = layouts.firstOrNull()?.layoutInput ?: return null
        return TextMeasurer(input.fontFamilyResolver, input.density, layoutInfo.layoutDirection, cacheSize = 0).measure(
            text = input.text,
            style = input.style,
            overflow = input.overflow,
            softWrap = input.softWrap,
            maxLines = input.maxLines,
            constraints = Constraints(maxWidth = size.width, maxHeight = size.height),
        )
    }

/** The node in words, for error messages. */
val SemanticsNode.description: String
    get() {
        val marks = listOf("pressable" to isPressable, "disabled" to !isEnabled).filter { it.second }.joinToString("") { " " + it.first }
        val tag = config.getOrNull(SemanticsProperties.TestTag)?.let { " #$it" }.orEmpty()
        return "'$text'$tag$marks $boundsInWindow"
    }
