package dev.levitmobile.demo.benchmark

import androidx.annotation.StringRes
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Icon
import androidx.compose.material3.LinearProgressIndicator
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.Page
import dev.levitmobile.demo.ui.PageTitle
import dev.levitmobile.demo.ui.Section
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.TimingStep

/** How far the benchmark is, with the rows that are done. */
@Composable
internal fun RunningPane(
    state: ScreenState.Running,
    model: BenchmarkViewModel,
) {
    val moment by model.moment.collectAsStateWithLifecycle()
    Page(Modifier.testTag("state-running"), widest = 640.dp) {
        PageTitle(stringResource(R.string.benchmark_running))
        Progress(state, moment)
        if (moment.phase == BenchmarkPhase.COOLING) CoolingNote(moment)
        OutlinedButton(model::cancel, Modifier.testTag("benchmark-cancel").fillMaxWidth().heightIn(min = 48.dp)) {
            Text(stringResource(R.string.cancel))
        }
        if (moment.finished.isNotEmpty()) {
            Section(stringResource(R.string.benchmark_done)) { ResultRows(BenchmarkRows.sorted(moment.finished)) }
        }
    }
}

@Composable
private fun Progress(
    state: ScreenState.Running,
    moment: BenchmarkMoment,
) {
    Section(stringResource(phaseWords(moment.phase))) {
        moment.step?.let { Text(stepWords(it)) }
        if (state.total > 0) {
            LinearProgressIndicator({ state.done.toFloat() / state.total }, Modifier.fillMaxWidth())
            Text(
                pluralStringResource(R.plurals.rounds_done, state.total, state.done, state.total),
                style = MaterialTheme.typography.bodySmall,
                color = MaterialTheme.colorScheme.onSurfaceVariant,
            )
        } else {
            LinearProgressIndicator(Modifier.fillMaxWidth())
        }
    }
}

@Composable
private fun stepWords(step: TimingStep): String =
    stringResource(R.string.step_words, Words.name(step.bundle), rememberWords().engine(step.accelerator, step.threads))

@StringRes
private fun phaseWords(phase: BenchmarkPhase): Int =
    when (phase) {
        BenchmarkPhase.STARTING -> R.string.phase_starting
        BenchmarkPhase.LOADING -> R.string.phase_loading
        BenchmarkPhase.CHECKING -> R.string.phase_checking
        BenchmarkPhase.COOLING -> R.string.phase_cooling
        BenchmarkPhase.WARMING_UP -> R.string.phase_warming_up
        BenchmarkPhase.TIMING -> R.string.phase_timing
    }

@Composable
private fun CoolingNote(moment: BenchmarkMoment) {
    Surface(
        Modifier.testTag("cooling").fillMaxWidth(),
        shape = MaterialTheme.shapes.large,
        color = MaterialTheme.colorScheme.tertiaryContainer,
        contentColor = MaterialTheme.colorScheme.onTertiaryContainer,
    ) {
        Row(Modifier.padding(20.dp), Arrangement.spacedBy(16.dp), Alignment.CenterVertically) {
            Icon(painterResource(R.drawable.ic_heat), contentDescription = null)
            Column(verticalArrangement = Arrangement.spacedBy(4.dp)) {
                Text(stringResource(R.string.cooling), Modifier.semantics { liveRegion = LiveRegionMode.Polite })
                Text(
                    stringResource(R.string.cooling_waited, rememberWords().seconds(moment.coolingMs / MS_PER_S)),
                    style = MaterialTheme.typography.bodySmall,
                )
            }
        }
    }
}

private const val MS_PER_S = 1000.0
