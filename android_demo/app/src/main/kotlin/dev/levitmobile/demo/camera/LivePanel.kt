package dev.levitmobile.demo.camera

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.BoxWithConstraints
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.EngineLine
import dev.levitmobile.demo.ui.Figure
import dev.levitmobile.demo.ui.Figures
import dev.levitmobile.demo.ui.LoadingLine
import dev.levitmobile.demo.ui.TopFive
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.screen.ScreenState

/** What the model sees: below the viewfinder's middle, or at its side on wide windows. */
@Composable
internal fun LivePanel(
    state: ScreenState<LiveResult>,
    wide: Boolean,
    onBundles: () -> Unit,
) {
    BoxWithConstraints(
        Modifier.fillMaxSize().safeDrawingPadding().padding(12.dp),
        contentAlignment = if (wide) Alignment.CenterEnd else Alignment.BottomCenter,
    ) {
        // With large letters the panel scrolls, so that a part of the viewfinder stays in sight.
        Surface(
            if (wide) Modifier.width(380.dp) else Modifier.widthIn(max = 560.dp).fillMaxWidth().heightIn(max = maxHeight * LARGEST_PART),
            shape = MaterialTheme.shapes.large,
            color = MaterialTheme.colorScheme.surface.copy(alpha = PANEL_ALPHA),
        ) {
            LiveState(state, onBundles)
        }
    }
}

@Composable
private fun LiveState(
    state: ScreenState<LiveResult>,
    onBundles: () -> Unit,
) {
    when (state) {
        is ScreenState.Result -> LiveClasses(state.value, onBundles)
        is ScreenState.Loading -> LoadingLine(stringResource(R.string.opening_bundle))
        else -> LoadingLine(stringResource(R.string.waiting_for_frame), name = "ready")
    }
}

@Composable
private fun LiveClasses(
    result: LiveResult,
    onBundles: () -> Unit,
) {
    val words = rememberWords()
    val figures =
        listOfNotNull(
            Figure(stringResource(R.string.figure_inference), words.milliseconds(result.classification.inferenceMs)),
            Figure(stringResource(R.string.figure_preparation), words.milliseconds(result.classification.preprocessMs)),
            result.framesPerSecond?.let { Figure(stringResource(R.string.figure_frames), words.framesPerSecond(it)) },
        )
    Column(
        Modifier.testTag("state-result").verticalScroll(rememberScrollState()).padding(20.dp),
        verticalArrangement = Arrangement.spacedBy(16.dp),
    ) {
        TopFive(result.classification.classes)
        Figures(figures)
        EngineLine(result.choice, onBundles)
    }
}

private const val PANEL_ALPHA = 0.94f
private const val LARGEST_PART = 0.65f
