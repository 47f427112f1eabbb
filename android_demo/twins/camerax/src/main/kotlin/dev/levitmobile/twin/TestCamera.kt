package dev.levitmobile.twin

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Matrix
import android.os.Looper
import android.util.Size
import androidx.camera.core.Camera
import androidx.camera.core.CameraInfo
import androidx.camera.core.CameraSelector
import androidx.camera.core.CameraState
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.Preview
import androidx.camera.core.SurfaceRequest
import androidx.camera.core.UseCase
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.LifecycleEventObserver
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.MutableLiveData
import com.google.common.util.concurrent.ListenableFuture
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.Executor

/**
 * What a test does with the camera: it sends frames and makes the camera fail.
 *
 * Frames come while the owner of the binding is started. The analyzer gets one frame at a time; the latest of those that
 * come meanwhile is kept until it closes that one. A frame that is never closed is the last one.
 */
object TestCamera {
    private val bound = mutableListOf<UseCase>()
    private val pictures = MutableStateFlow<Bitmap?>(null)
    private var owner: LifecycleOwner? = null
    private var state = MutableLiveData<CameraState>()
    private var open: TestImage? = null
    private var waiting: (() -> TestImage)? = null

    /** The lenses that the device has; by default both. */
    var lenses: Set<Int> = setOf(CameraSelector.LENS_FACING_BACK, CameraSelector.LENS_FACING_FRONT)

    /** Why CameraX does not start; null where it does. */
    var startFailure: Throwable? = null

    /** Why CameraX refuses to bind; null where it does not. */
    var bindFailure: RuntimeException? = null

    /** What the viewfinder shows. */
    val shown: StateFlow<Bitmap?> get() = pictures

    /** Number of frames that the analyzer has not closed, 0 or 1. */
    val unclosed: Int @Synchronized get() = if (open == null) 0 else 1

    /** Forget everything: for the beginning of a test. */
    @Synchronized
    fun reset() {
        bound.clear()
        owner = null
        state = MutableLiveData()
        open = null
        waiting = null
        lenses = setOf(CameraSelector.LENS_FACING_BACK, CameraSelector.LENS_FACING_FRONT)
        startFailure = null
        bindFailure = null
        pictures.value = null
    }

    /**
     * Send a frame of RGBA bytes.
     *
     * @param rotation Degrees by which it must be turned clockwise to be upright.
     * @param padding Bytes behind each row.
     * @return Whether an analyzer has it or will get it.
     */
    fun frame(
        rgba: ByteArray,
        width: Int,
        height: Int,
        rotation: Int = 0,
        padding: Int = 64,
    ): Boolean {
        if (owner?.lifecycle?.currentState?.isAtLeast(Lifecycle.State.STARTED) != true) return false
        pictures.value = upright(rgba, width, height, rotation)
        return post { TestImage.rgba(rgba, width, height, rotation, padding, ::closed) }
    }

    /** The camera reports an error of [CameraState], or its end with null; on the main thread. */
    fun report(error: Int?) {
        val type = if (error == null) CameraState.Type.OPEN else CameraState.Type.CLOSING
        state.value = CameraState.create(type, error?.let(CameraState.StateError::create))
    }

    @Synchronized
    private fun post(make: () -> TestImage): Boolean {
        if (open != null) {
            waiting = make
            return true
        }
        val image = make()
        open = image
        val delivered = bound.filterIsInstance<ImageAnalysis>().any { it.deliver(image) }
        if (!delivered) open = null
        return delivered
    }

    @Synchronized
    private fun closed() {
        open = null
        waiting?.let {
            waiting = null
            post(it)
        }
    }

    internal fun has(selector: CameraSelector): Boolean = selector.lens in lenses

    internal fun isBound(useCase: UseCase): Boolean = useCase in bound

    internal fun unbind(useCases: List<UseCase>) {
        requireMainThread()
        bound -= useCases.toSet()
    }

    internal fun unbindAll() {
        requireMainThread()
        bound.clear()
    }

    internal fun bind(
        lifecycleOwner: LifecycleOwner,
        selector: CameraSelector,
        useCases: List<UseCase>,
    ): Camera {
        requireMainThread()
        bindFailure?.let { throw it }
        require(has(selector)) { "Provided camera selector unable to resolve a camera for the given use case" }
        require(lifecycleOwner.lifecycle.currentState != Lifecycle.State.DESTROYED) {
            "Trying to create LifecycleCamera with destroyed lifecycle."
        }
        bound += useCases
        owner = lifecycleOwner
        lifecycleOwner.lifecycle.addObserver(
            LifecycleEventObserver { _, event ->
                if (event ==
                    Lifecycle.Event.ON_DESTROY
                ) {
                    bound -= useCases.toSet()
                }
            },
        )
        useCases.filterIsInstance<Preview>().forEach { it.provider?.onSurfaceRequested(SurfaceRequest(Size(1280, 720))) }
        report(null)
        return BoundCamera(selector.lens, state)
    }

    internal fun started(
        context: Context,
        provider: ProcessCameraProvider,
    ): ListenableFuture<ProcessCameraProvider> {
        checkNotNull(context.applicationContext)
        val result = Later<ProcessCameraProvider>()
        startFailure?.let(result::completeExceptionally) ?: result.complete(provider)
        return result
    }

    private fun requireMainThread() = check(Looper.myLooper() == Looper.getMainLooper()) { "Not in application's main thread" }

    private fun upright(
        rgba: ByteArray,
        width: Int,
        height: Int,
        rotation: Int,
    ): Bitmap {
        // A bitmap's own memory is in another order on a computer, blue first.
        val bytes = ByteBuffer.wrap(rgba)
        val pixels = IntArray(width * height) { bytes.getInt(4 * it).rotateRight(8) }
        val stored = Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
        return Bitmap.createBitmap(stored, 0, 0, width, height, Matrix().apply { postRotate(rotation.toFloat()) }, false)
    }
}

private class BoundCamera(
    lens: Int,
    state: MutableLiveData<CameraState>,
) : Camera {
    override val cameraInfo =
        object : CameraInfo {
            override val sensorRotationDegrees = 90
            override val cameraState = state
            override val lensFacing = lens
        }
}

private class Later<T> :
    CompletableFuture<T>(),
    ListenableFuture<T> {
    override fun addListener(
        listener: Runnable,
        executor: Executor,
    ) {
        whenComplete { _, _ -> executor.execute(listener) }
    }
}
