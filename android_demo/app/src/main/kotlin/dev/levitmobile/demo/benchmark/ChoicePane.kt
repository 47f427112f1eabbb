package dev.levitmobile.demo.benchmark

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.selection.toggleable
import androidx.compose.material3.Button
import androidx.compose.material3.Checkbox
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.levitmobile.demo.R
import dev.levitmobile.demo.bundles.BundleEntry
import dev.levitmobile.demo.ui.Chips
import dev.levitmobile.demo.ui.ChoiceChip
import dev.levitmobile.demo.ui.Page
import dev.levitmobile.demo.ui.PageTitle
import dev.levitmobile.demo.ui.Section
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.timing.Accelerator

/** What to time. */
@Composable
internal fun ChoicePane(
    entries: List<BundleEntry>,
    model: BenchmarkViewModel,
) {
    val choices by model.choices.collectAsStateWithLifecycle()
    Page(Modifier.testTag("state-ready"), widest = 640.dp) {
        PageTitle(stringResource(R.string.tab_benchmark))
        Text(stringResource(R.string.benchmark_intro), color = MaterialTheme.colorScheme.onSurfaceVariant)
        Section(stringResource(R.string.benchmark_bundles)) {
            for (entry in entries) BundleCheck(entry, entry.name in choices.bundles) { model.toggleBundle(entry.name) }
        }
        Section(stringResource(R.string.benchmark_accelerators)) { AcceleratorChips(choices, model) }
        Section(stringResource(R.string.benchmark_threads)) { ThreadChips(choices, model) }
        Section(stringResource(R.string.benchmark_rounds)) { RoundChips(choices, model) }
        StartButton(choices.steps(entries).size, model::start)
    }
}

@Composable
private fun BundleCheck(
    entry: BundleEntry,
    chosen: Boolean,
    onToggle: () -> Unit,
) {
    val usable = entry.failure == null
    Row(
        Modifier
            .testTag("benchmark-bundle-${entry.name}")
            .fillMaxWidth()
            .heightIn(min = 48.dp)
            .toggleable(chosen && usable, enabled = usable, role = Role.Checkbox) { onToggle() },
        horizontalArrangement = Arrangement.spacedBy(12.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        Checkbox(chosen && usable, onCheckedChange = null, enabled = usable)
        Column {
            Text(Words.name(entry.name))
            Text(about(entry), style = MaterialTheme.typography.bodySmall, color = MaterialTheme.colorScheme.onSurfaceVariant)
        }
    }
}

@Composable
private fun about(entry: BundleEntry): String = entry.failure?.let { failureWords(it).title } ?: rememberWords().bytes(entry.bytes)

@Composable
private fun AcceleratorChips(
    choices: BenchmarkChoices,
    model: BenchmarkViewModel,
) {
    Chips {
        for (accelerator in Accelerator.entries) {
            val name = stringResource(if (accelerator == Accelerator.CPU) R.string.cpu else R.string.gpu)
            ChoiceChip(name, accelerator in choices.accelerators, "benchmark-${accelerator.name.lowercase()}") {
                model.toggleAccelerator(accelerator)
            }
        }
    }
    Text(
        stringResource(R.string.benchmark_gpu_note),
        style = MaterialTheme.typography.bodySmall,
        color = MaterialTheme.colorScheme.onSurfaceVariant,
    )
}

@Composable
private fun ThreadChips(
    choices: BenchmarkChoices,
    model: BenchmarkViewModel,
) {
    Chips {
        for (count in BenchmarkChoices.THREADS) {
            val text = pluralStringResource(R.plurals.threads, count, count)
            ChoiceChip(text, count in choices.threads, "benchmark-threads-$count") { model.toggleThreads(count) }
        }
    }
}

@Composable
private fun RoundChips(
    choices: BenchmarkChoices,
    model: BenchmarkViewModel,
) {
    Chips {
        for (count in BenchmarkChoices.ROUNDS) {
            val text = pluralStringResource(R.plurals.rounds, count, count)
            ChoiceChip(text, count == choices.rounds, "benchmark-rounds-$count") { model.chooseRounds(count) }
        }
    }
}

@Composable
private fun StartButton(
    steps: Int,
    onStart: () -> Unit,
) {
    val text = if (steps == 0) stringResource(R.string.benchmark_nothing) else pluralStringResource(R.plurals.benchmark_start, steps, steps)
    Button(
        onStart,
        Modifier.testTag("benchmark-start").fillMaxWidth().heightIn(min = 56.dp),
        enabled = steps > 0,
    ) {
        Text(text, textAlign = TextAlign.Center)
    }
}
