package dev.levitmobile.demo.bundles

import androidx.activity.compose.PredictiveBackHandler
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.WindowInsets
import androidx.compose.foundation.layout.WindowInsetsSides
import androidx.compose.foundation.layout.consumeWindowInsets
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.only
import androidx.compose.foundation.layout.safeDrawing
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.foundation.layout.width
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableFloatStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.graphicsLayer
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.viewmodel.compose.viewModel
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.FailurePanel
import dev.levitmobile.demo.ui.LoadingPanel
import dev.levitmobile.demo.ui.StatePanel
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.screen.ScreenState
import kotlinx.coroutines.CancellationException

/** The list of bundles and the opened one: one after the other on phones, side by side on wide windows. */
@Composable
fun BundlesScreen(
    wide: Boolean,
    model: BundlesViewModel = viewModel(),
) {
    val state by model.state.collectAsStateWithLifecycle()
    when (val now = state) {
        is ScreenState.Result -> Bundles(now.value, wide, model)
        is ScreenState.Failed -> FailurePanel(failureWords(now.reason), model::retry, Modifier.safeDrawingPadding())
        else -> LoadingPanel(stringResource(R.string.reading_bundles), Modifier.safeDrawingPadding())
    }
}

@Composable
private fun Bundles(
    entries: List<BundleEntry>,
    wide: Boolean,
    model: BundlesViewModel,
) {
    val opened by model.opened.collectAsStateWithLifecycle()
    val choice by model.choice.collectAsStateWithLifecycle()
    val entry = entries.firstOrNull { it.name == opened }
    if (wide) {
        SideBySide(entries, entry, choice.bundle, model)
    } else if (entry == null) {
        BundleList(entries, opened = null, used = choice.bundle, onOpen = model::open)
    } else {
        Detail(entry, model)
    }
}

@Composable
private fun SideBySide(
    entries: List<BundleEntry>,
    entry: BundleEntry?,
    used: String?,
    model: BundlesViewModel,
) {
    Row(Modifier.fillMaxSize()) {
        Box(Modifier.width(LIST_WIDTH).fillMaxHeight().consumeWindowInsets(WindowInsets.safeDrawing.only(WindowInsetsSides.End))) {
            BundleList(entries, entry?.name, used, model::open)
        }
        Box(Modifier.weight(1f).consumeWindowInsets(WindowInsets.safeDrawing.only(WindowInsetsSides.Start))) {
            if (entry == null) NoneOpened() else BundlePage(entry, model, onBack = null)
        }
    }
}

@Composable
private fun NoneOpened() {
    StatePanel(
        "none-opened",
        R.drawable.ic_bundles,
        stringResource(R.string.bundles_none_opened_title),
        stringResource(R.string.bundles_none_opened),
        Modifier.safeDrawingPadding(),
    )
}

/** The page moves with the finger of a back gesture, so that one sees where it leads. */
@Composable
private fun Detail(
    entry: BundleEntry,
    model: BundlesViewModel,
) {
    var gesture by remember { mutableFloatStateOf(0f) }
    PredictiveBackHandler { events ->
        try {
            events.collect { gesture = it.progress }
            model.closePage()
        } catch (cancelled: CancellationException) {
            throw cancelled
        } finally {
            gesture = 0f
        }
    }
    Box(
        Modifier.graphicsLayer {
            scaleX = 1 - SHRINK * gesture
            scaleY = scaleX
            alpha = 1 - FADE * gesture
        },
    ) {
        BundlePage(entry, model, onBack = model::closePage)
    }
}

private const val SHRINK = 0.08f
private const val FADE = 0.3f
private val LIST_WIDTH = 360.dp
