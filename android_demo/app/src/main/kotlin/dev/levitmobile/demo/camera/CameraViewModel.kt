package dev.levitmobile.demo.camera

import androidx.camera.core.ImageProxy
import androidx.camera.core.SurfaceRequest
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import dev.levitmobile.Classification
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.classify.Classifier
import dev.levitmobile.demo.classify.ClassifierSource
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.demo.classify.failureReason
import dev.levitmobile.demo.classify.keepOpen
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.ScreenEvent
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.screen.after
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.stateIn
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.util.concurrent.atomic.AtomicBoolean

/**
 * The classes of the last camera frame.
 *
 * @property classification The classes and the times.
 * @property framesPerSecond Frames classified per second; null after the first frame.
 * @property choice The bundle and where it runs.
 */
data class LiveResult(
    val classification: Classification,
    val framesPerSecond: Double?,
    val choice: Choice,
)

/** Classifies camera frames, one at a time. Frames that come meanwhile are dropped. */
class CameraViewModel(
    private val saved: SavedStateHandle,
    classifiers: ClassifierSource,
    selection: Selection,
    private val camera: CameraSource,
    clock: () -> Long = System::nanoTime,
) : ViewModel(),
    CameraListener {
    private val engine = MutableStateFlow<ScreenState<LiveResult>>(ScreenState.Loading)
    private val trouble = MutableStateFlow<FailureReason?>(null)
    private val attempts = MutableStateFlow(0)
    private val surfaces = MutableStateFlow<SurfaceRequest?>(null)
    private val rate = FrameRate(clock)
    private val busy = AtomicBoolean(false)

    @Volatile
    private var classifier: Classifier? = null

    /** Whether the app may use the camera. */
    val permission: StateFlow<CameraPermission> = saved.getStateFlow(PERMISSION, CameraPermission.ASK)

    /** What the viewfinder draws on; null while no camera is open. */
    val surface: StateFlow<SurfaceRequest?> = surfaces.asStateFlow()

    /** Grows with every retry, so that the screen opens the camera anew. */
    val attempt: StateFlow<Int> = attempts.asStateFlow()

    /** What the screen shows where the permission was asked for. */
    val state: StateFlow<ScreenState<LiveResult>> =
        combine(permission, trouble, engine) { permission, trouble, engine ->
            (permission.failure ?: trouble)?.let { ScreenState.Failed(it) } ?: engine
        }.stateIn(viewModelScope, SharingStarted.Eagerly, ScreenState.Loading)

    init {
        val choices = combine(selection.choice, attempts) { choice, _ -> choice }
        viewModelScope.launch {
            classifiers.keepOpen(choices, { happened(ScreenEvent.Reloaded) }, { happened(ScreenEvent.Broke(it)) }, ::use)
        }
    }

    /** The system's word on the permission, whenever the screen comes to the front. */
    fun permissionSeen(granted: Boolean) {
        saved[PERMISSION] = permission.value.seen(granted)
    }

    /** The user's answer to the system's question. */
    fun permissionAnswered(
        granted: Boolean,
        mayAskAgain: Boolean,
    ) {
        saved[PERMISSION] = CameraPermission.answered(granted, mayAskAgain)
    }

    /** Open the camera and the bundle again. */
    fun retry() {
        trouble.value = null
        attempts.update { it + 1 }
    }

    /** Stream frames until the caller is cancelled, which the screen does when it goes. */
    suspend fun stream(owner: LifecycleOwner) {
        try {
            camera.stream(owner, this)
        } finally {
            surfaces.value = null
            rate.clear()
        }
    }

    override fun surface(request: SurfaceRequest?) {
        surfaces.value = request
    }

    override fun trouble(reason: FailureReason?) {
        trouble.value = reason
    }

    override fun frame(image: ImageProxy) {
        val open = classifier
        if (open == null || !busy.compareAndSet(false, true)) return image.close()
        // The job may be cancelled before it starts, and the frame must be closed then too. The camera hands over the next
        // frame as soon as this one is closed, so it is closed last.
        viewModelScope.launch { classify(open, image) }.invokeOnCompletion {
            busy.set(false)
            image.close()
        }
    }

    private suspend fun use(open: Classifier) {
        rate.clear()
        classifier = open
        happened(ScreenEvent.Loaded)
        try {
            awaitCancellation()
        } finally {
            classifier = null
        }
    }

    private suspend fun classify(
        open: Classifier,
        image: ImageProxy,
    ) = try {
        val classification = open.classify(image)
        if (open === classifier) show(LiveResult(classification, rate.next(), open.choice)) else Unit
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (error: Exception) {
        if (open === classifier) happened(ScreenEvent.Broke(failureReason(error))) else Unit
    }

    /** Frames follow each other at once, so the state between two results is never shown. */
    private fun show(result: LiveResult) = engine.update { it.after(ScreenEvent.Started).after(ScreenEvent.Succeeded(result)) }

    private fun happened(event: ScreenEvent<LiveResult>) = engine.update { it.after(event) }

    private companion object {
        const val PERMISSION = "permission"
    }
}
