package dev.levitmobile

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import androidx.camera.core.ImageProxy
import dev.levitmobile.contract.Verdict
import dev.levitmobile.image.Frame
import dev.levitmobile.image.Orientation
import dev.levitmobile.image.Preprocessor
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.parity.SelfCheck
import dev.levitmobile.photo.BitmapReader
import dev.levitmobile.photo.Photo
import dev.levitmobile.photo.frameOf
import dev.levitmobile.photo.orientationOf
import dev.levitmobile.photo.readPhoto
import dev.levitmobile.prediction.TopClasses
import dev.levitmobile.runner.InferenceException
import dev.levitmobile.runner.Runner
import dev.levitmobile.runner.Runners
import dev.levitmobile.runner.infer
import dev.levitmobile.store.Bundle
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.UnsupportedBundleException
import dev.levitmobile.timing.Accelerator
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import java.io.Closeable
import java.io.File
import java.util.concurrent.atomic.AtomicBoolean

/**
 * Classifies pictures with one bundle on one accelerator.
 *
 * A classifier has one thread of its own: decoding, preparation and inference happen there, one call after the other.
 * The functions may be called from any thread. The suspending ones wait without blocking; the blocking ones must not be
 * called on the main thread.
 *
 * A picture is turned upright first, then resized and cropped exactly as the contract states: the prepared pixels are
 * those of `levit-mobile`. Transparent pictures are laid over white.
 *
 * Camera frames of one size reuse all memory of the size of an image. A cancelled call that has begun ends before the
 * cancellation is reported, so its picture may be recycled or closed afterwards.
 *
 * @property bundle What is run.
 * @property accelerator Where it runs.
 * @property check The result of the golden images on this very accelerator, made when the classifier was opened.
 */
public class LevitClassifier internal constructor(
    public val bundle: Bundle,
    private val runner: Runner,
    public val check: CheckResult,
    private val thread: OneThread,
) : Closeable {
    public val accelerator: Accelerator get() = runner.accelerator

    /** Number of CPU threads of the inference. */
    public val threads: Int get() = runner.threads

    /** What a timing record should state about this run, one sentence each. */
    public val notes: List<String> get() = runner.notes

    private val preprocessor = Preprocessor(bundle.contract)
    private val bitmaps = BitmapReader()
    private val logits = FloatArray(runner.classes)
    private val closing = AtomicBoolean()
    private var closed = false

    /**
     * Classify a bitmap of any configuration, hardware bitmaps included.
     *
     * @param bitmap Must not be recycled or changed before the function returns.
     * @param orientation How the bitmap must be turned to be upright.
     * @param k Number of classes in the result, 1 or more.
     * @throws IllegalStateException The classifier is closed.
     * @throws InferenceException The runtime failed.
     */
    public suspend fun classify(
        bitmap: Bitmap,
        orientation: Orientation = Orientation.UPRIGHT,
        k: Int = 5,
    ): Classification = thread.run { classified(k, orientation) { bitmaps.frame(bitmap) } }

    /**
     * Classify a picture that a [Uri] names, such as a photo picker's. Its EXIF orientation is applied, once.
     *
     * Pictures of up to 16.7 million pixels are decoded as they are, so the result is exact. Larger ones are decoded at
     * half of their width and height, or less, to bound the memory: their prepared pixels differ a little from those of
     * `levit-mobile`. Colours are converted to sRGB.
     *
     * @param k Number of classes in the result, 1 or more.
     * @throws UnreadablePictureException The picture cannot be opened or decoded.
     * @throws IllegalStateException The classifier is closed.
     * @throws InferenceException The runtime failed.
     */
    public suspend fun classify(
        context: Context,
        uri: Uri,
        k: Int = 5,
    ): Classification = thread.run { classified(context, uri, k) }

    /**
     * Classify a camera frame in `RGBA_8888` or `YUV_420_888`, turned by its rotation. The whole frame counts: its crop
     * rectangle is not applied. YUV levels are taken as JPEG's full range.
     *
     * @param image Is not closed; close it after the function has returned.
     * @param k Number of classes in the result, 1 or more.
     * @throws IllegalArgumentException The frame has another format.
     * @throws IllegalStateException The classifier is closed.
     * @throws InferenceException The runtime failed.
     */
    public suspend fun classify(
        image: ImageProxy,
        k: Int = 5,
    ): Classification = thread.run { classified(k, orientationOf(image)) { frameOf(image) } }

    /** [classify] for callers without coroutines; waits even if the waiting thread is interrupted. */
    public fun classifyBlocking(
        bitmap: Bitmap,
        orientation: Orientation = Orientation.UPRIGHT,
        k: Int = 5,
    ): Classification = thread.runBlocking { classified(k, orientation) { bitmaps.frame(bitmap) } }

    /** [classify] for callers without coroutines; waits even if the waiting thread is interrupted. */
    public fun classifyBlocking(
        context: Context,
        uri: Uri,
        k: Int = 5,
    ): Classification = thread.runBlocking { classified(context, uri, k) }

    /** [classify] for callers without coroutines; waits even if the waiting thread is interrupted. */
    public fun classifyBlocking(
        image: ImageProxy,
        k: Int = 5,
    ): Classification = thread.runBlocking { classified(k, orientationOf(image)) { frameOf(image) } }

    /**
     * Free the runtime's memory. Returns at once and may be called from any thread, more than once: calls that began
     * before end first, later ones throw [IllegalStateException]. The next classifier that is opened waits for it.
     */
    override fun close() {
        if (!closing.compareAndSet(false, true)) return
        thread.retire {
            closed = true
            runner.close()
        }
    }

    private fun classified(
        context: Context,
        uri: Uri,
        k: Int,
    ): Classification {
        requireUsable(k)
        val photo: Photo = readPhoto(context.contentResolver, uri)
        try {
            return classified(k, photo.orientation) { bitmaps.frame(photo.bitmap) }
        } finally {
            photo.bitmap.recycle()
        }
    }

    private inline fun classified(
        k: Int,
        orientation: Orientation,
        frame: () -> Frame,
    ): Classification {
        requireUsable(k)
        val start = System.nanoTime()
        preprocessor.prepare(frame(), orientation)
        runner.write(preprocessor.pixels)
        val prepared = System.nanoTime()
        runner.run()
        val end = System.nanoTime()
        runner.read(logits)
        val best = TopClasses.of(logits, bundle.labels, bundle.contract.output.head, k)
        return Classification(best, (prepared - start) / NANOS_PER_MS, (end - prepared) / NANOS_PER_MS)
    }

    private fun requireUsable(k: Int) {
        require(k >= 1) { "k is $k, expected 1 or more" }
        check(!closed) { "the classifier is closed" }
    }

    /** Opens classifiers. */
    public companion object {
        private const val NANOS_PER_MS = 1e6

        /**
         * Open a bundle's folder, load its artifact and run its golden images. A cancelled call ends when what it
         * opened is free.
         *
         * @param folder A folder that holds `contract.json`.
         * @param accelerator Where to run; nothing else is tried if it cannot.
         * @param threads Number of CPU threads, 1 or more.
         * @throws DamagedBundleException A file is missing, or is not what the contract states.
         * @throws UnsupportedBundleException The artifact is for iOS.
         * @throws NotAvailableException The device lacks what the artifact needs.
         * @throws InferenceException The runtime refuses the artifact.
         * @throws BrokenBundleException The golden images fail.
         */
        public suspend fun open(
            folder: File,
            accelerator: Accelerator = Accelerator.CPU,
            threads: Int = 1,
        ): LevitClassifier = Opening(folder) { Runners.open(it, accelerator, threads) }.finish()

        /** [open] for callers without coroutines; not for the main thread. */
        public fun openBlocking(
            folder: File,
            accelerator: Accelerator = Accelerator.CPU,
            threads: Int = 1,
        ): LevitClassifier = Opening(folder) { Runners.open(it, accelerator, threads) }.finishBlocking()

        /**
         * Copy a bundle from the app's assets if it is not copied yet, and [open] it.
         *
         * @param name Name of the bundle in `assets/bundles/index.json`.
         */
        public suspend fun open(
            context: Context,
            name: String,
            accelerator: Accelerator = Accelerator.CPU,
            threads: Int = 1,
        ): LevitClassifier = open(AssetBundles(context).install(name), accelerator, threads)

        /** [open] for callers without coroutines; not for the main thread. */
        public fun openBlocking(
            context: Context,
            name: String,
            accelerator: Accelerator = Accelerator.CPU,
            threads: Int = 1,
        ): LevitClassifier = openBlocking(AssetBundles(context).installBlocking(name), accelerator, threads)
    }
}

/**
 * A classifier that is being opened, on its own thread.
 *
 * @param load Loads the artifact of a bundle.
 */
internal class Opening(
    private val folder: File,
    private val load: (Bundle) -> Runner,
) {
    private val thread = OneThread(folder.name)
    private var opened: LevitClassifier? = null

    /** Open without blocking. A call that is cancelled meanwhile ends when all that it opened is free. */
    suspend fun finish(): LevitClassifier =
        try {
            thread.run { classifier() }
        } catch (error: Throwable) {
            free()
            withContext(NonCancellable) { thread.run {} } // behind the last work
            throw error
        }

    /** Open and wait. An interrupt is kept for the caller, who gets the classifier. */
    fun finishBlocking(): LevitClassifier =
        try {
            thread.runBlocking { classifier() }
        } catch (error: Throwable) {
            free()
            throw error
        }

    private fun free() = opened?.close() ?: thread.retire {}

    private fun classifier(): LevitClassifier {
        val bundle = Bundle.open(folder)
        OneThread.awaitRetired() // ExecuTorch's pool and the memory of a classifier that was closed just now
        val runner = load(bundle)
        try {
            return LevitClassifier(bundle, runner, checked(bundle, runner), thread).also { opened = it }
        } catch (error: Throwable) {
            closeAfter(error, runner)
            throw error
        }
    }

    /** What failed first is what the caller hears of. */
    private fun closeAfter(
        error: Throwable,
        runner: Runner,
    ) = try {
        runner.close()
    } catch (second: Exception) {
        error.addSuppressed(second)
    }

    private fun checked(
        bundle: Bundle,
        runner: Runner,
    ): CheckResult {
        val contract = bundle.contract
        val result = SelfCheck.run(bundle.golden, contract.tolerance, contract.output.head, runner::infer)
        if (result.verdict == Verdict.BROKEN) throw BrokenBundleException(bundle.folder.name, result)
        if (result.verdict == Verdict.NOT_RUN && bundle.golden.isNotEmpty()) throw NotAvailableException(result.reasons.joinToString("; "))
        return result
    }
}
