package dev.levitmobile.demo.photo

import android.graphics.Bitmap
import android.net.Uri
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import androidx.compose.foundation.Image
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.aspectRatio
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.MaterialTheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.asImageBitmap
import androidx.compose.ui.layout.ContentScale
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.viewmodel.compose.viewModel
import dev.levitmobile.demo.DemoViewModel
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.EngineLine
import dev.levitmobile.demo.ui.FailurePanel
import dev.levitmobile.demo.ui.Figure
import dev.levitmobile.demo.ui.Figures
import dev.levitmobile.demo.ui.LoadingLine
import dev.levitmobile.demo.ui.LoadingPanel
import dev.levitmobile.demo.ui.PanelButton
import dev.levitmobile.demo.ui.StatePanel
import dev.levitmobile.demo.ui.TopFive
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.demo.ui.rememberWords
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.screen.ScreenState

/** A picture from the picker or from another app, with its best classes. */
@Composable
fun PhotoScreen(
    wide: Boolean,
    app: DemoViewModel,
    onBundles: () -> Unit,
    model: PhotoViewModel = viewModel(),
) {
    val state by model.state.collectAsStateWithLifecycle()
    val picture by model.picture.collectAsStateWithLifecycle()
    TakeShared(app, model::show)
    val pick = rememberPicker(model::show)
    when (val now = state) {
        is ScreenState.Ready -> EmptyPanel(pick)
        is ScreenState.Failed -> FailedPanel(now, pick, model::retry)
        is ScreenState.Loading if picture == null -> LoadingPanel(stringResource(R.string.opening_bundle), Modifier.safeDrawingPadding())
        else -> Panes(wide, picture) { Classes(now, pick, onBundles) }
    }
}

@Composable
private fun TakeShared(
    app: DemoViewModel,
    show: (Uri) -> Unit,
) {
    val shared by app.shared.collectAsStateWithLifecycle()
    LaunchedEffect(shared) {
        shared?.let(show)
        app.taken()
    }
}

@Composable
private fun rememberPicker(show: (Uri?) -> Unit): () -> Unit {
    val launcher = rememberLauncherForActivityResult(PickVisualMedia(), show)
    return { launcher.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly)) }
}

@Composable
private fun EmptyPanel(pick: () -> Unit) {
    StatePanel(
        "empty",
        R.drawable.ic_photo,
        stringResource(R.string.photo_empty_title),
        stringResource(R.string.photo_empty),
        Modifier.safeDrawingPadding(),
    ) {
        PanelButton(stringResource(R.string.choose_picture), pick, Modifier.testTag("photo-pick"))
    }
}

@Composable
private fun FailedPanel(
    state: ScreenState.Failed,
    pick: () -> Unit,
    retry: () -> Unit,
) {
    val act = if (state.reason.code == Code.UNREADABLE_IMAGE) pick else retry
    FailurePanel(failureWords(state.reason), act, Modifier.safeDrawingPadding())
}

/** The picture above the words, or beside them on wide windows. */
@Composable
private fun Panes(
    wide: Boolean,
    picture: Bitmap?,
    words: @Composable () -> Unit,
) {
    if (wide) {
        Row(
            Modifier.fillMaxSize().safeDrawingPadding().padding(horizontal = 24.dp),
            horizontalArrangement = Arrangement.spacedBy(24.dp),
        ) {
            Picture(picture, Modifier.weight(1f).fillMaxHeight().padding(vertical = 24.dp))
            Column(Modifier.weight(1f).verticalScroll(rememberScrollState()).padding(vertical = 24.dp)) { words() }
        }
    } else {
        Column(
            Modifier
                .fillMaxSize()
                .verticalScroll(rememberScrollState())
                .safeDrawingPadding()
                .padding(16.dp),
            verticalArrangement = Arrangement.spacedBy(20.dp),
        ) {
            Picture(picture, Modifier.fillMaxWidth().heightIn(max = 420.dp))
            words()
        }
    }
}

/** The picture, as large as its place allows. Words beside it stay where they are while it is decoded. */
@Composable
private fun Picture(
    picture: Bitmap?,
    modifier: Modifier,
) {
    val image = remember(picture) { picture?.asImageBitmap() }
    Box(modifier, contentAlignment = Alignment.Center) {
        if (image != null) {
            Image(
                image,
                stringResource(R.string.picture_description),
                Modifier.aspectRatio(image.width.toFloat() / image.height).clip(MaterialTheme.shapes.large).testTag("picture"),
                contentScale = ContentScale.FillBounds,
            )
        }
    }
}

@Composable
private fun Classes(
    state: ScreenState<PhotoResult>,
    pick: () -> Unit,
    onBundles: () -> Unit,
) {
    when (state) {
        is ScreenState.Result -> ResultPane(state.value, pick, onBundles)
        is ScreenState.Running -> LoadingLine(stringResource(R.string.classifying), name = "running")
        else -> LoadingLine(stringResource(R.string.opening_bundle))
    }
}

@Composable
private fun ResultPane(
    result: PhotoResult,
    pick: () -> Unit,
    onBundles: () -> Unit,
) {
    val words = rememberWords()
    val figures =
        listOf(
            Figure(stringResource(R.string.figure_inference), words.milliseconds(result.classification.inferenceMs)),
            Figure(stringResource(R.string.figure_preparation), words.milliseconds(result.classification.preprocessMs)),
        )
    Column(Modifier.testTag("state-result"), verticalArrangement = Arrangement.spacedBy(20.dp)) {
        TopFive(result.classification.classes)
        Figures(figures)
        EngineLine(result.choice, onBundles)
        PanelButton(stringResource(R.string.choose_other_picture), pick, Modifier.fillMaxWidth().testTag("photo-pick"))
    }
}
