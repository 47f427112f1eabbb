package dev.levitmobile.demo.camera

import android.content.Context
import androidx.camera.core.CameraSelector
import androidx.camera.core.CameraState
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.Preview
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.core.content.ContextCompat
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.Observer
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.suspendCancellableCoroutine
import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException

/** The device's camera by CameraX: the back one, or the front one where there is no other. */
class DeviceCamera(
    private val context: Context,
) : CameraSource {
    override suspend fun stream(
        owner: LifecycleOwner,
        listener: CameraListener,
    ) {
        try {
            val provider = provider()
            val selector = selector(provider) ?: return listener.trouble(FailureReason(Code.NO_CAMERA))
            bind(provider, selector, owner, listener)
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (error: ExecutionException) {
            // CameraX cannot start without a camera service, or on a device without cameras.
            listener.trouble(FailureReason(Code.NO_CAMERA, error.cause?.message.orEmpty()))
        } catch (error: IllegalArgumentException) {
            listener.trouble(FailureReason(Code.NO_CAMERA, error.message.orEmpty()))
        }
    }

    private suspend fun provider(): ProcessCameraProvider =
        suspendCancellableCoroutine { waiting ->
            val future = ProcessCameraProvider.getInstance(context)
            future.addListener({
                try {
                    waiting.resume(future.get())
                } catch (error: ExecutionException) {
                    waiting.resumeWithException(error)
                }
            }, ContextCompat.getMainExecutor(context))
        }

    private fun selector(provider: ProcessCameraProvider): CameraSelector? =
        listOf(CameraSelector.DEFAULT_BACK_CAMERA, CameraSelector.DEFAULT_FRONT_CAMERA).firstOrNull(provider::hasCamera)

    private suspend fun bind(
        provider: ProcessCameraProvider,
        selector: CameraSelector,
        owner: LifecycleOwner,
        listener: CameraListener,
    ) {
        val worker = Executors.newSingleThreadExecutor()
        val preview = Preview.Builder().build().apply { setSurfaceProvider(listener::surface) }
        val analysis = analysis().apply { setAnalyzer(worker, listener::frame) }
        val states = Observer<CameraState> { listener.trouble(it.error?.let(::reason)) }
        try {
            provider.unbindAll()
            val camera = provider.bindToLifecycle(owner, selector, preview, analysis)
            camera.cameraInfo.cameraState.observe(owner, states)
            try {
                awaitCancellation()
            } finally {
                camera.cameraInfo.cameraState.removeObserver(states)
            }
        } finally {
            analysis.clearAnalyzer()
            provider.unbindAll()
            worker.shutdown()
        }
    }

    /** Frames that come while one is classified are dropped by CameraX. */
    private fun analysis(): ImageAnalysis =
        ImageAnalysis
            .Builder()
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
            .build()

    private fun reason(error: CameraState.StateError): FailureReason =
        when (error.code) {
            CameraState.ERROR_CAMERA_IN_USE, CameraState.ERROR_MAX_CAMERAS_IN_USE -> FailureReason(Code.CAMERA_IN_USE)
            else -> FailureReason(Code.UNEXPECTED, "camera error ${error.code}")
        }
}
