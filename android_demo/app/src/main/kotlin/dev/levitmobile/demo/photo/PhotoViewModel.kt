package dev.levitmobile.demo.photo

import android.graphics.Bitmap
import android.net.Uri
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import dev.levitmobile.Classification
import dev.levitmobile.UnreadablePictureException
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.classify.Classifier
import dev.levitmobile.demo.classify.ClassifierSource
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.demo.classify.failureReason
import dev.levitmobile.demo.classify.keepOpen
import dev.levitmobile.screen.ScreenEvent
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.screen.after
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/**
 * The classes of a picture.
 *
 * @property classification The classes and the times.
 * @property choice The bundle and where it ran.
 */
data class PhotoResult(
    val classification: Classification,
    val choice: Choice,
)

/** Classifies one picture that the user picked or shared. */
class PhotoViewModel(
    private val saved: SavedStateHandle,
    classifiers: ClassifierSource,
    selection: Selection,
    private val pictures: PictureSource,
) : ViewModel() {
    private val states = MutableStateFlow<ScreenState<PhotoResult>>(ScreenState.Loading)
    private val shown = MutableStateFlow<Bitmap?>(null)
    private val attempts = MutableStateFlow(0)
    private val picked: StateFlow<Uri?> = saved.getStateFlow(PICTURE, null)

    /** [ScreenState.Ready] without a picture, [ScreenState.Running] while one is classified. */
    val state: StateFlow<ScreenState<PhotoResult>> = states.asStateFlow()

    /** The picture itself; null until it is decoded. */
    val picture: StateFlow<Bitmap?> = shown.asStateFlow()

    init {
        val choices = combine(selection.choice, attempts) { choice, _ -> choice }
        viewModelScope.launch { picked.collectLatest(::decode) }
        viewModelScope.launch {
            classifiers.keepOpen(choices, { happened(ScreenEvent.Reloaded) }, { happened(ScreenEvent.Broke(it)) }) { open ->
                happened(ScreenEvent.Loaded)
                picked.collectLatest { if (it != null) classify(open, it) }
            }
        }
    }

    /** Show a picture; null, where the picker was left without one, changes nothing. */
    fun show(picture: Uri?) {
        if (picture == null) return
        viewModelScope.launch { pictures.keep(picture) }
        if (picture == picked.value) attempts.update { it + 1 } else saved[PICTURE] = picture
    }

    /** Open the bundle and classify the picture again. */
    fun retry() = attempts.update { it + 1 }

    /** The picture is drawn even where the bundle cannot be opened. */
    private suspend fun decode(picture: Uri?) {
        shown.value = null
        if (picture == null) return
        try {
            shown.value = pictures.preview(picture, MOST_PX)
        } catch (_: UnreadablePictureException) {
            // The classification fails on the same picture, and its state is shown.
        }
    }

    private suspend fun classify(
        open: Classifier,
        picture: Uri,
    ) {
        // A picture after one that failed begins anew; the bundle is open already.
        states.update { it.after(ScreenEvent.Reloaded).after(ScreenEvent.Loaded).after(ScreenEvent.Started) }
        try {
            happened(ScreenEvent.Succeeded(PhotoResult(open.classify(picture), open.choice)))
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (error: Exception) {
            happened(ScreenEvent.Broke(failureReason(error)))
        }
    }

    private fun happened(event: ScreenEvent<PhotoResult>) = states.update { it.after(event) }

    private companion object {
        const val PICTURE = "picture"
        const val MOST_PX = 1600
    }
}
