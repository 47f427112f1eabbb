package dev.levitmobile.demo.classify

import dev.levitmobile.timing.Accelerator
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update

/**
 * What classifies camera frames and photos.
 *
 * @property bundle Name of the bundle; null for the first one that the app can run.
 * @property accelerator Where it runs.
 * @property threads Number of CPU threads, 1 or more.
 */
data class Choice(
    val bundle: String? = null,
    val accelerator: Accelerator = Accelerator.CPU,
    val threads: Int = 1,
)

/** The choice that the camera, the photo screen and the list of bundles share. */
class Selection(
    first: Choice = Choice(),
) {
    private val mutable = MutableStateFlow(first)

    /** The choice now. */
    val choice: StateFlow<Choice> = mutable.asStateFlow()

    /** Choose a bundle and where it runs. */
    fun choose(choice: Choice) = mutable.update { choice }
}
