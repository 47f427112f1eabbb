package dev.levitmobile.demo.bundles

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Figure
import dev.levitmobile.demo.ui.Figures
import dev.levitmobile.demo.ui.Quote
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.parity.CheckResult

/** The verdict of a self-check with its figures and, where it failed, its reasons. */
@Composable
internal fun CheckFigures(check: CheckResult) {
    val color = if (check.verdict == Verdict.BROKEN) MaterialTheme.colorScheme.error else MaterialTheme.colorScheme.onSurface
    Column(
        Modifier.testTag("check-result").padding(vertical = 8.dp),
        verticalArrangement = Arrangement.spacedBy(12.dp),
    ) {
        Text(
            verdictWords(check),
            Modifier.semantics { liveRegion = LiveRegionMode.Polite },
            color = color,
            style = MaterialTheme.typography.titleSmall,
        )
        for (reason in check.reasons) Quote(reason)
        Figures(figures(check))
    }
}

@Composable
private fun verdictWords(check: CheckResult): String =
    when (check.verdict) {
        Verdict.PROVEN, Verdict.BY_REFERENCE -> pluralStringResource(R.plurals.check_passed, check.images, check.images)
        Verdict.BROKEN -> stringResource(R.string.check_broken)
        Verdict.NOT_RUN -> stringResource(R.string.check_not_run)
    }

@Composable
private fun figures(check: CheckResult): List<Figure> {
    val words = rememberWords()
    val found = check.figures ?: return emptyList()
    return listOf(
        Figure(stringResource(R.string.check_sqnr), words.decibels(found.judgedSqnrDb)),
        Figure(stringResource(R.string.check_top1), words.percent(found.top1Agreement)),
        Figure(stringResource(R.string.check_top5), words.percent(found.top5Agreement)),
        Figure(stringResource(R.string.check_max_error), words.small(found.maxAbsError)),
        Figure(stringResource(R.string.check_cosine), words.fixed(found.cosine, 6)),
    )
}
