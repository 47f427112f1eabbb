package dev.levitmobile.demo.benchmark

import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.runtime.Composable
import androidx.compose.runtime.DisposableEffect
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalView
import androidx.compose.ui.res.stringResource
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.viewmodel.compose.viewModel
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.FailurePanel
import dev.levitmobile.demo.ui.LoadingPanel
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.screen.ScreenState

/** The choices, then the progress, then the table and the plot. */
@Composable
fun BenchmarkScreen(
    wide: Boolean,
    model: BenchmarkViewModel = viewModel(),
) {
    val state by model.state.collectAsStateWithLifecycle()
    when (val now = state) {
        is ScreenState.Loading -> LoadingPanel(stringResource(R.string.benchmark_preparing), Modifier.safeDrawingPadding())
        is ScreenState.Ready -> Choosing(model)
        is ScreenState.Running -> {
            KeepScreenOn()
            RunningPane(now, model)
        }
        is ScreenState.Result -> ResultPane(now.value, wide, model)
        is ScreenState.Failed -> FailurePanel(failureWords(now.reason), model::clear, Modifier.safeDrawingPadding())
    }
}

/** A dark screen slows phones down, and ends the app's place in the foreground. */
@Composable
private fun KeepScreenOn() {
    val view = LocalView.current
    DisposableEffect(view) {
        view.keepScreenOn = true
        onDispose { view.keepScreenOn = false }
    }
}

@Composable
private fun Choosing(model: BenchmarkViewModel) {
    val entries by model.entries.collectAsStateWithLifecycle()
    when (val now = entries) {
        is ScreenState.Result -> ChoicePane(now.value, model)
        is ScreenState.Failed -> FailurePanel(failureWords(now.reason), model::retry, Modifier.safeDrawingPadding())
        else -> LoadingPanel(stringResource(R.string.reading_bundles), Modifier.safeDrawingPadding())
    }
}
