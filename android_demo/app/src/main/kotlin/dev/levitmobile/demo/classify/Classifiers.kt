package dev.levitmobile.demo.classify

import android.net.Uri
import androidx.camera.core.ImageProxy
import dev.levitmobile.Classification
import dev.levitmobile.screen.FailureReason
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.collectLatest

/** A bundle that is open on an accelerator. All functions may be called from the main thread. */
interface Classifier : AutoCloseable {
    /** The bundle and the accelerator; its name is never null. */
    val choice: Choice

    /** The best classes of a camera frame, which stays open. */
    suspend fun classify(image: ImageProxy): Classification

    /** The best classes of a stored picture. */
    suspend fun classify(picture: Uri): Classification

    /** Free the runtime's memory after the last classification has ended. Returns at once. */
    override fun close()
}

/** Opens classifiers. */
fun interface ClassifierSource {
    /**
     * Install a bundle where needed, load it, and run its self-check on the accelerator.
     *
     * @throws Exception One that [failureReason] has words for.
     */
    suspend fun open(choice: Choice): Classifier
}

/**
 * Keep the classifier of the latest choice open, until the caller is cancelled.
 *
 * @param choices What is chosen; each value closes the classifier before it.
 * @param opening Called before a classifier is opened.
 * @param failed Called where it cannot be opened.
 * @param use Has the classifier until the choice changes.
 */
internal suspend fun ClassifierSource.keepOpen(
    choices: Flow<Choice>,
    opening: () -> Unit,
    failed: (FailureReason) -> Unit,
    use: suspend (Classifier) -> Unit,
) = choices.collectLatest { choice ->
    opening()
    val classifier = openOrReport(choice, failed) ?: return@collectLatest
    classifier.use { use(it) }
}

private suspend fun ClassifierSource.openOrReport(
    choice: Choice,
    failed: (FailureReason) -> Unit,
): Classifier? =
    try {
        open(choice)
    } catch (cancelled: CancellationException) {
        throw cancelled
    } catch (error: Exception) {
        failed(failureReason(error))
        null
    }
