package dev.levitmobile.demo.support

import androidx.compose.ui.geometry.Rect
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsNode
import androidx.compose.ui.semantics.getOrNull
import androidx.compose.ui.text.TextLayoutResult

/** What may be wrong with the texts of a screen; every function returns the faults in words. */
object Texts {
    /** WCAG 2 AA, for text of normal size. */
    private const val LEAST_CONTRAST = 4.5

    /** A number and the unit behind it, without the isolates that may stand around them. */
    private val quantity =
        Regex("""\d[\d.,]*[\u2066-\u2069]?[\s\u00a0\u202f]?[\u2066-\u2069]?(ms|fps|[kMG]?B|KiB|MiB|s|%|°C)(?![A-Za-z])""")

    /** All faults of the texts that are on the screen now, but for their contrast. */
    fun faults(): List<String> = cut() + broken() + overlapping() + reversed()

    /** Texts that do not fit their place, or whose place is cut off by something that cannot be scrolled. */
    fun cut(): List<String> = laidOut().mapNotNull { (node, layout) -> reasonOfCut(node, layout)?.let { "$it: ${node.description}" } }

    /** Texts with a line that ends inside a word. */
    fun broken(): List<String> =
        laidOut().flatMap { (node, layout) ->
            val text = layout.layoutInput.text.text
            val ends = (0 until layout.lineCount - 1).map { layout.getLineEnd(it) }
            ends.filter { it in 1 until text.length && text[it - 1].isLetter() && text[it].isLetter() }.map {
                "a line ends inside a word, before '${text.substring(it).take(12)}': ${node.description}"
            }
        }

    /** Pairs of texts that are drawn over each other. */
    fun overlapping(): List<String> {
        val nodes = laidOut().map { it.first }
        return nodes.flatMapIndexed { index, node ->
            nodes.drop(index + 1).filter { it.root == node.root && overlap(node.boundsInRoot, it.boundsInRoot) }.map {
                "two texts overlap: ${node.description} and ${it.description}"
            }
        }
    }

    /** Quantities whose unit is drawn left of the number, as in "ms 25.07"; readers expect "25.07 ms" in every script. */
    fun reversed(): List<String> =
        laidOut().flatMap { (node, layout) ->
            quantity.findAll(layout.layoutInput.text.text).filter { isReversed(layout, it) }.map {
                "'${it.value}' is drawn from right to left: ${node.description}"
            }
        }

    /** Texts whose contrast is under 4.5; what is disabled may have less. */
    fun faint(pixels: Pixels): List<String> {
        val disabled = Screen.nodes().filter { !it.isEnabled }.map { it.boundsInWindow }
        // A strip of a text at the edge of the screen may show none of its letters.
        val whole = laidOut().map { it.first }.filter { it.size.height - it.boundsInRoot.height <= 1 }
        return whole.filter { part -> disabled.none { it.contains(part.boundsInWindow.center) } }.mapNotNull { node ->
            pixels.contrast(node)?.takeIf { it < LEAST_CONTRAST }?.let { "contrast %.1f: %s".format(it, node.description) }
        }
    }

    private fun laidOut(): List<Pair<SemanticsNode, TextLayoutResult>> =
        Screen.parts().mapNotNull { node -> node.textLayout?.let { node to it } }.filter { (node, layout) ->
            layout.layoutInput.text.isNotEmpty() && node.boundsInWindow.run { width > 0 && height > 0 }
        }

    private fun reasonOfCut(
        node: SemanticsNode,
        layout: TextLayoutResult,
    ): String? =
        when {
            layout.hasVisualOverflow -> "a text does not fit its place"
            (0 until layout.lineCount).any(layout::isLineEllipsized) -> "a text ends with an ellipsis"
            !isScrolled(node) && isClipped(node) -> "a text is cut off"
            else -> null
        }

    private fun isScrolled(node: SemanticsNode): Boolean =
        generateSequence(node.parent) { it.parent }.any { it.config.getOrNull(SemanticsActions.ScrollBy) != null }

    private fun isClipped(node: SemanticsNode): Boolean =
        node.size.width - node.boundsInRoot.width > 1 || node.size.height - node.boundsInRoot.height > 1

    private fun overlap(
        one: Rect,
        other: Rect,
    ): Boolean = one.intersect(other).run { width > 1 && height > 1 }

    private fun isReversed(
        layout: TextLayoutResult,
        match: MatchResult,
    ): Boolean {
        val number = layout.getBoundingBox(match.range.first)
        val unit = layout.getBoundingBox(match.groups[1]!!.range.first)
        return number.top == unit.top && unit.left < number.left
    }
}
