package dev.levitmobile.demo.benchmark

import androidx.compose.foundation.Canvas
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.geometry.CornerRadius
import androidx.compose.ui.geometry.Offset
import androidx.compose.ui.geometry.Size
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.drawscope.DrawScope
import androidx.compose.ui.graphics.drawscope.scale
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.demo.ui.tabular
import dev.levitmobile.timing.Summary

/** One bar per timed row: as long as the median, with a line to the 90th percentile. The fastest bar is coloured. */
@Composable
internal fun TimePlot(
    rows: List<BenchmarkRow>,
    modifier: Modifier = Modifier,
) {
    val timed = rows.filter { it.inference != null && it.outcome == Outcome.TIMED }
    val longestMs = timed.maxOfOrNull { maxOf(it.inference?.p90Ms ?: 0.0, it.inference?.medianMs ?: 0.0) } ?: return
    Column(modifier.testTag("plot"), verticalArrangement = Arrangement.spacedBy(14.dp)) {
        timed.forEachIndexed { place, row -> row.inference?.let { PlotRow(row, it, longestMs, fastest = place == 0) } }
        Text(
            stringResource(R.string.plot_legend),
            style = MaterialTheme.typography.bodySmall,
            color = MaterialTheme.colorScheme.onSurfaceVariant,
        )
    }
}

@Composable
private fun PlotRow(
    row: BenchmarkRow,
    inference: Summary,
    longestMs: Double,
    fastest: Boolean,
) {
    val alternative = plotWords(row, inference)
    Column(
        Modifier.clearAndSetSemantics { contentDescription = alternative },
        verticalArrangement = Arrangement.spacedBy(4.dp),
    ) {
        PlotLabels(row, inference)
        Bar(inference, longestMs, if (fastest) MaterialTheme.colorScheme.primary else MaterialTheme.colorScheme.outline)
    }
}

/** Name and time in one line, or in two where the letters are large. */
@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun PlotLabels(
    row: BenchmarkRow,
    inference: Summary,
) {
    val words = rememberWords()
    FlowRow(Modifier.fillMaxWidth(), horizontalArrangement = Arrangement.SpaceBetween) {
        Text(Words.name(row.name), Modifier.padding(end = 12.dp), style = MaterialTheme.typography.bodyMedium)
        Row(horizontalArrangement = Arrangement.spacedBy(12.dp), verticalAlignment = Alignment.Bottom) {
            row.ratio?.let {
                Text(
                    words.ratio(it),
                    style = MaterialTheme.typography.bodySmall.tabular,
                    color = MaterialTheme.colorScheme.onSurfaceVariant,
                )
            }
            Text(words.milliseconds(inference.medianMs), style = MaterialTheme.typography.titleSmall.tabular)
        }
    }
}

@Composable
private fun Bar(
    inference: Summary,
    longestMs: Double,
    color: Color,
) {
    val track = MaterialTheme.colorScheme.surfaceContainerHighest
    val line = MaterialTheme.colorScheme.onSurface
    Canvas(Modifier.fillMaxWidth().height(16.dp)) {
        scale(if (layoutDirection == LayoutDirection.Rtl) -1f else 1f, 1f) {
            drawTrack(track)
            drawMedian((inference.medianMs / longestMs).toFloat(), color)
            drawPercentile((inference.medianMs / longestMs).toFloat(), (inference.p90Ms / longestMs).toFloat(), line)
        }
    }
}

private fun DrawScope.drawTrack(color: Color) = drawRoundRect(color, cornerRadius = corner())

private fun DrawScope.drawMedian(
    share: Float,
    color: Color,
) = drawRoundRect(color, size = Size(size.width * share, size.height), cornerRadius = corner())

private fun DrawScope.drawPercentile(
    from: Float,
    to: Float,
    color: Color,
) {
    val middle = size.height / 2
    val end = (size.width * to - LINE.toPx() / 2).coerceAtLeast(0f)
    drawLine(color, Offset(size.width * from, middle), Offset(end, middle), LINE.toPx())
    drawLine(color, Offset(end, middle / 2), Offset(end, size.height - middle / 2), LINE.toPx())
}

private fun DrawScope.corner() = CornerRadius(4.dp.toPx())

/** What TalkBack reads in place of the bar. */
@Composable
private fun plotWords(
    row: BenchmarkRow,
    inference: Summary,
): String {
    val words = rememberWords()
    val times = stringResource(R.string.plot_row, row.name, words.milliseconds(inference.medianMs), words.milliseconds(inference.p90Ms))
    val ratio = row.ratio ?: return times
    if (ratio <= 1) return stringResource(R.string.plot_row_fastest, times)
    return stringResource(R.string.plot_row_slower, times, words.ratio(ratio))
}

private val LINE = 2.dp
