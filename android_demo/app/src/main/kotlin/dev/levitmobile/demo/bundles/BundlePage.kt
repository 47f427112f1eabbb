package dev.levitmobile.demo.bundles

import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.material3.Button
import androidx.compose.material3.Icon
import androidx.compose.material3.IconButton
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.OutlinedButton
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import dev.levitmobile.demo.R
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.ui.Chips
import dev.levitmobile.demo.ui.ChoiceChip
import dev.levitmobile.demo.ui.LoadingLine
import dev.levitmobile.demo.ui.Page
import dev.levitmobile.demo.ui.PageTitle
import dev.levitmobile.demo.ui.Quote
import dev.levitmobile.demo.ui.Section
import dev.levitmobile.demo.ui.Words
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.Accelerator

/**
 * One bundle: its self-check, its contract and its digests.
 *
 * @param onBack Goes back to the list; null where the list is beside the page.
 */
@Composable
internal fun BundlePage(
    entry: BundleEntry,
    model: BundlesViewModel,
    onBack: (() -> Unit)?,
) {
    val detail by model.detail.collectAsStateWithLifecycle()
    Page(Modifier.testTag("bundle-page"), widest = 720.dp) {
        Head(entry, onBack)
        when (val now = detail) {
            is ScreenState.Result -> Opened(entry, now.value, model)
            is ScreenState.Failed -> Refusal(now.reason, model::retry)
            else -> LoadingLine(stringResource(R.string.checking_digests))
        }
    }
}

@Composable
private fun Head(
    entry: BundleEntry,
    onBack: (() -> Unit)?,
) {
    Row(verticalAlignment = Alignment.CenterVertically) {
        if (onBack != null) {
            IconButton(onBack, Modifier.testTag("bundle-back")) {
                Icon(painterResource(R.drawable.ic_back), stringResource(R.string.back))
            }
        }
        Column {
            PageTitle(Words.name(entry.name))
            entry.contract?.let { VerdictBadge(it.verdict) }
        }
    }
}

@Composable
private fun Opened(
    entry: BundleEntry,
    bundle: Bundle,
    model: BundlesViewModel,
) {
    CheckSection(entry, model)
    ContractSections(entry, bundle)
}

@Composable
private fun Refusal(
    reason: FailureReason,
    retry: () -> Unit,
) {
    val failure = failureWords(reason)
    Section(failure.title, Modifier.testTag("state-failed")) {
        Text(failure.text)
        if (failure.detail.isNotEmpty()) Quote(failure.detail)
        failure.action?.let { OutlinedButton(retry, Modifier.testTag("failed-action")) { Text(stringResource(it)) } }
    }
}

@Composable
private fun CheckSection(
    entry: BundleEntry,
    model: BundlesViewModel,
) {
    val check by model.check.collectAsStateWithLifecycle()
    val accelerator by model.accelerator.collectAsStateWithLifecycle()
    Section(stringResource(R.string.check_title), Modifier.testTag("check")) {
        Text(stringResource(R.string.check_intro), color = MaterialTheme.colorScheme.onSurfaceVariant)
        Chips {
            for (place in entry.accelerators) {
                val name = stringResource(if (place == Accelerator.CPU) R.string.cpu else R.string.gpu)
                ChoiceChip(name, place == accelerator, "check-${place.name.lowercase()}") { model.runOn(place) }
            }
        }
        CheckState(check, model::check)
        UseButton(Choice(entry.name, accelerator), model)
    }
}

@Composable
private fun CheckState(
    check: ScreenState<CheckResult>,
    onCheck: () -> Unit,
) {
    when (check) {
        is ScreenState.Running, ScreenState.Loading -> LoadingLine(stringResource(R.string.check_running), name = "check-running")
        is ScreenState.Result -> CheckFigures(check.value)
        is ScreenState.Failed -> CheckFailure(check.reason)
        is ScreenState.Ready -> Unit
    }
    if (check !is ScreenState.Running) {
        Button(onCheck, Modifier.testTag("check-run").fillMaxWidth().heightIn(min = 48.dp)) { Text(stringResource(R.string.check_run)) }
    }
}

@Composable
private fun CheckFailure(reason: FailureReason) {
    val failure = failureWords(reason)
    Column(Modifier.testTag("check-failed").padding(vertical = 8.dp)) {
        Text(failure.title, style = MaterialTheme.typography.titleSmall, color = MaterialTheme.colorScheme.error)
        Text(failure.text)
        if (failure.detail.isNotEmpty()) Quote(failure.detail)
    }
}

@Composable
private fun UseButton(
    offered: Choice,
    model: BundlesViewModel,
) {
    val choice by model.choice.collectAsStateWithLifecycle()
    val used = choice.bundle == offered.bundle && choice.accelerator == offered.accelerator
    OutlinedButton(model::use, Modifier.testTag("bundle-use").fillMaxWidth().heightIn(min = 48.dp), enabled = !used) {
        Text(stringResource(if (used) R.string.bundle_used else R.string.bundle_use))
    }
}
