package dev.levitmobile.demo.bundles

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.ExperimentalLayoutApi
import androidx.compose.foundation.layout.FlowRow
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Page
import dev.levitmobile.demo.ui.PageTitle
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.demo.ui.rememberWords

/** All bundles; the opened one is marked. */
@Composable
internal fun BundleList(
    entries: List<BundleEntry>,
    opened: String?,
    used: String?,
    onOpen: (String) -> Unit,
) {
    Page(Modifier.testTag("state-result"), widest = 640.dp) {
        PageTitle(stringResource(R.string.tab_bundles))
        for (entry in entries) BundleCard(entry, entry.name == opened, entry.name == used) { onOpen(entry.name) }
    }
}

@OptIn(ExperimentalLayoutApi::class)
@Composable
private fun BundleCard(
    entry: BundleEntry,
    opened: Boolean,
    used: Boolean,
    onOpen: () -> Unit,
) {
    val colors = MaterialTheme.colorScheme
    Surface(
        onOpen,
        Modifier.testTag("bundle-${entry.name}").fillMaxWidth(),
        shape = MaterialTheme.shapes.large,
        color = if (opened) colors.secondaryContainer else colors.surfaceContainerLow,
    ) {
        Column(Modifier.padding(20.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
            Text(Words.name(entry.name), style = MaterialTheme.typography.titleMedium)
            Text(subtitle(entry), style = MaterialTheme.typography.bodyMedium, color = colors.onSurfaceVariant)
            FlowRow(horizontalArrangement = Arrangement.spacedBy(8.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
                EntryBadge(entry)
                if (used) Badge(stringResource(R.string.badge_used), colors.tertiaryContainer, colors.onTertiaryContainer)
            }
        }
    }
}

@Composable
private fun subtitle(entry: BundleEntry): String {
    val size = rememberWords().bytes(entry.bytes)
    val contract = entry.contract ?: return size
    return stringResource(R.string.bundle_subtitle, Words.isolate(contract.model.variant), Words.isolate(contract.recipe), size)
}

@Composable
private fun EntryBadge(entry: BundleEntry) {
    val colors = MaterialTheme.colorScheme
    val failure = entry.failure
    if (failure != null) return Badge(failureWords(failure).title, colors.errorContainer, colors.onErrorContainer)
    entry.contract?.let { VerdictBadge(it.verdict) }
}

/** What the conversion or the self-check proved. */
@Composable
internal fun VerdictBadge(verdict: Verdict) {
    val colors = MaterialTheme.colorScheme
    when (verdict) {
        Verdict.PROVEN -> Badge(stringResource(R.string.verdict_proven), colors.primaryContainer, colors.onPrimaryContainer)
        Verdict.BY_REFERENCE -> Badge(stringResource(R.string.verdict_by_reference), colors.primaryContainer, colors.onPrimaryContainer)
        Verdict.BROKEN -> Badge(stringResource(R.string.verdict_broken), colors.errorContainer, colors.onErrorContainer)
        Verdict.NOT_RUN -> Badge(stringResource(R.string.verdict_not_run), colors.surfaceContainerHighest, colors.onSurfaceVariant)
    }
}

@Composable
private fun Badge(
    text: String,
    back: Color,
    front: Color,
) {
    Surface(shape = MaterialTheme.shapes.small, color = back, contentColor = front) {
        Text(text, Modifier.padding(horizontal = 10.dp, vertical = 4.dp), style = MaterialTheme.typography.labelMedium)
    }
}
