package dev.levitmobile.demo.camera

import android.Manifest
import android.app.Activity
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import android.provider.Settings
import androidx.activity.compose.LocalActivity
import androidx.activity.compose.rememberLauncherForActivityResult
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.compose.CameraXViewfinder
import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.safeDrawingPadding
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.getValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.semantics
import androidx.core.app.ActivityCompat
import androidx.core.content.ContextCompat
import androidx.lifecycle.compose.LifecycleResumeEffect
import androidx.lifecycle.compose.LocalLifecycleOwner
import androidx.lifecycle.compose.collectAsStateWithLifecycle
import androidx.lifecycle.viewmodel.compose.viewModel
import dev.levitmobile.demo.R
import dev.levitmobile.demo.ui.FailurePanel
import dev.levitmobile.demo.ui.PanelButton
import dev.levitmobile.demo.ui.StatePanel
import dev.levitmobile.demo.ui.failureWords
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.screen.ScreenState

/** The viewfinder with the best classes over it. */
@Composable
fun CameraScreen(
    wide: Boolean,
    onBundles: () -> Unit,
    model: CameraViewModel = viewModel(),
) {
    val permission by model.permission.collectAsStateWithLifecycle()
    val ask = rememberQuestion(model)
    val context = LocalContext.current
    LifecycleResumeEffect(model) {
        model.permissionSeen(isGranted(context))
        onPauseOrDispose {}
    }
    when (permission) {
        CameraPermission.ASK -> AskPanel(ask)
        CameraPermission.GRANTED -> LiveCamera(wide, onBundles, model)
        else -> Trouble(model, ask)
    }
}

@Composable
private fun AskPanel(ask: () -> Unit) {
    StatePanel(
        "ask",
        R.drawable.ic_camera,
        stringResource(R.string.camera_ask_title),
        stringResource(R.string.camera_ask),
        Modifier.safeDrawingPadding(),
    ) {
        PanelButton(stringResource(R.string.allow_camera), ask, Modifier.testTag("camera-allow"))
    }
}

/** The camera runs while its failure is shown, because another app may give it back. */
@Composable
private fun LiveCamera(
    wide: Boolean,
    onBundles: () -> Unit,
    model: CameraViewModel,
) {
    val owner = LocalLifecycleOwner.current
    val attempt by model.attempt.collectAsStateWithLifecycle()
    val state by model.state.collectAsStateWithLifecycle()
    LaunchedEffect(owner, attempt) { model.stream(owner) }
    if (state is ScreenState.Failed) {
        Trouble(model, ask = {})
    } else {
        Box(Modifier.fillMaxSize().background(Color.Black)) {
            Viewfinder(model)
            LivePanel(state, wide, onBundles)
        }
    }
}

@Composable
private fun Viewfinder(model: CameraViewModel) {
    val surface by model.surface.collectAsStateWithLifecycle()
    val description = stringResource(R.string.viewfinder)
    surface?.let { request ->
        CameraXViewfinder(request, Modifier.fillMaxSize().testTag("viewfinder").semantics { contentDescription = description })
    }
}

@Composable
private fun Trouble(
    model: CameraViewModel,
    ask: () -> Unit,
) {
    val context = LocalContext.current
    val state by model.state.collectAsStateWithLifecycle()
    val reason = (state as? ScreenState.Failed)?.reason ?: return
    FailurePanel(failureWords(reason), { act(reason, context, ask, model) }, Modifier.safeDrawingPadding())
}

private fun act(
    reason: FailureReason,
    context: Context,
    ask: () -> Unit,
    model: CameraViewModel,
) = when (reason.code) {
    Code.CAMERA_DENIED -> ask()
    Code.CAMERA_DENIED_FOR_GOOD -> context.startActivity(settings(context))
    else -> model.retry()
}

/** Asks the system for the permission. */
@Composable
private fun rememberQuestion(model: CameraViewModel): () -> Unit {
    val activity = LocalActivity.current
    val launcher =
        rememberLauncherForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
            model.permissionAnswered(granted, mayAskAgain(activity))
        }
    return { launcher.launch(Manifest.permission.CAMERA) }
}

private fun mayAskAgain(activity: Activity?): Boolean =
    activity != null && ActivityCompat.shouldShowRequestPermissionRationale(activity, Manifest.permission.CAMERA)

private fun isGranted(context: Context): Boolean =
    ContextCompat.checkSelfPermission(context, Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED

private fun settings(context: Context): Intent =
    Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, Uri.fromParts("package", context.packageName, null))
