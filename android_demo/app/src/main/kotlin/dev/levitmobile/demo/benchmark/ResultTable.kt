package dev.levitmobile.demo.benchmark

import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Figure
import dev.levitmobile.demo.ui.Figures
import dev.levitmobile.demo.ui.Quote
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.demo.ui.tabular

/** The rows of a wide window: one line each, with the columns' names above them. */
@Composable
internal fun ResultTable(rows: List<BenchmarkRow>) {
    Column(Modifier.testTag("table")) {
        HeadRow(rows.firstOrNull { it.outcome == Outcome.TIMED }?.let { figures(it) }.orEmpty())
        for (row in rows) {
            HorizontalDivider(color = MaterialTheme.colorScheme.outlineVariant)
            if (row.outcome == Outcome.TIMED) TimedLine(row) else Column(Modifier.padding(vertical = 12.dp)) { UntimedRow(row) }
        }
    }
}

@Composable
private fun HeadRow(figures: List<Figure>) {
    Row(Modifier.padding(vertical = 8.dp), horizontalArrangement = Arrangement.spacedBy(8.dp)) {
        Text(stringResource(R.string.column_step), Modifier.weight(NAME_WEIGHT), style = MaterialTheme.typography.labelMedium)
        for (figure in figures) {
            Text(figure.name, Modifier.weight(1f), textAlign = TextAlign.End, style = MaterialTheme.typography.labelMedium)
        }
    }
}

@Composable
private fun TimedLine(row: BenchmarkRow) {
    Column(Modifier.testTag("row-${row.name}").padding(vertical = 12.dp).semantics(mergeDescendants = true) {}) {
        Row(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalAlignment = Alignment.CenterVertically) {
            Text(Words.name(row.name), Modifier.weight(NAME_WEIGHT))
            for (figure in figures(row)) {
                Text(figure.value, Modifier.weight(1f), textAlign = TextAlign.End, style = MaterialTheme.typography.bodyMedium.tabular)
            }
        }
        Notes(row)
    }
}

/** The rows of a narrow window, each with its numbers below its name. */
@Composable
internal fun ResultRows(rows: List<BenchmarkRow>) {
    Column(Modifier.testTag("table"), verticalArrangement = Arrangement.spacedBy(12.dp)) {
        rows.forEachIndexed { place, row ->
            if (place > 0 && row.outcome == Outcome.TIMED) HorizontalDivider(color = MaterialTheme.colorScheme.outlineVariant)
            RowFigures(row)
        }
    }
}

@Composable
private fun RowFigures(row: BenchmarkRow) {
    if (row.outcome != Outcome.TIMED) return UntimedRow(row)
    Column(
        Modifier.testTag("row-${row.name}").fillMaxWidth().padding(vertical = 4.dp),
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        Text(Words.name(row.name), style = MaterialTheme.typography.titleSmall)
        Figures(figures(row))
        Notes(row)
    }
}

@Composable
private fun figures(row: BenchmarkRow): List<Figure> {
    val words = rememberWords()
    return listOf(
        Figure(stringResource(R.string.column_median), ms(row.inference?.medianMs)),
        Figure(stringResource(R.string.column_p90), ms(row.inference?.p90Ms)),
        Figure(stringResource(R.string.column_ratio), row.ratio?.let(words::ratio) ?: NOTHING),
        Figure(stringResource(R.string.column_end_to_end), ms(row.endToEnd?.medianMs)),
        Figure(stringResource(R.string.column_load), ms(row.loadMs)),
        Figure(stringResource(R.string.column_first_run), ms(row.firstRunMs)),
        Figure(stringResource(R.string.column_memory), row.peakMemoryBytes?.let(words::bytes) ?: NOTHING),
    )
}

@Composable
private fun ms(time: Double?): String = time?.let(rememberWords()::milliseconds) ?: NOTHING

@Composable
private fun Notes(row: BenchmarkRow) {
    val noisy = row.inference?.isNoisy == true
    val notes = if (noisy) row.notes + stringResource(R.string.noisy) else row.notes
    for (note in notes) {
        Text(
            Words.isolate(note),
            style = MaterialTheme.typography.bodySmall,
            color = MaterialTheme.colorScheme.tertiary,
        )
    }
}

/** A step without times: red where its self-check failed. */
@Composable
private fun UntimedRow(row: BenchmarkRow) {
    val broken = row.outcome == Outcome.BROKEN
    val colors = MaterialTheme.colorScheme
    val back: Color = if (broken) colors.errorContainer else colors.surfaceContainerHigh
    val front: Color = if (broken) colors.onErrorContainer else colors.onSurfaceVariant
    Column(
        Modifier
            .testTag("row-${row.name}")
            .fillMaxWidth()
            .background(back, MaterialTheme.shapes.medium)
            .padding(16.dp)
            .semantics(mergeDescendants = true) {},
        verticalArrangement = Arrangement.spacedBy(8.dp),
    ) {
        Row(horizontalArrangement = Arrangement.spacedBy(12.dp)) {
            Icon(painterResource(R.drawable.ic_error), contentDescription = null, Modifier.size(20.dp), tint = front)
            Column {
                Text(Words.name(row.name), style = MaterialTheme.typography.titleSmall, color = front)
                Text(stringResource(if (broken) R.string.row_broken else R.string.row_not_run), color = front)
            }
        }
        for (reason in row.reasons) Quote(reason)
    }
}

private const val NAME_WEIGHT = 2.4f
private const val NOTHING = "–"
