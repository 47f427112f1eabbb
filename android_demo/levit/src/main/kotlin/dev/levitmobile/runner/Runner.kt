package dev.levitmobile.runner

import dev.levitmobile.timing.Accelerator
import java.io.Closeable

/**
 * Runs one artifact on one accelerator, in three steps that can be timed one by one: [write], [run], [read].
 *
 * A runner belongs to one thread at a time: it locks nothing. Its buffers are made once, when it is opened.
 */
public interface Runner : Closeable {
    /** Where the artifact runs. */
    public val accelerator: Accelerator

    /** Number of CPU threads. */
    public val threads: Int

    /** Number of classes, which is the number of logits. */
    public val classes: Int

    /** What a timing record should state about the run, one sentence each; empty if nothing. */
    public val notes: List<String>

    /**
     * Lay an image out as the artifact's input.
     *
     * @param pixels RGB bytes [height,width,3], prepared already: resized and cropped as the contract states.
     * @throws IllegalArgumentException The size is not that of the input; the runtime has seen nothing.
     * @throws InferenceException The runtime does not take the image.
     */
    public fun write(pixels: ByteArray)

    /**
     * Run the artifact once: the inference alone.
     *
     * @throws InferenceException The runtime reports an error.
     */
    public fun run()

    /**
     * Copy the logits of the last [run].
     *
     * @param logits Gets one value per class.
     * @throws IllegalArgumentException Its size is not [classes].
     * @throws InferenceException The artifact gave something other than one tensor of logits.
     */
    public fun read(logits: FloatArray)
}

/**
 * Run one image.
 *
 * @param pixels RGB bytes [height,width,3], prepared already.
 * @return A new array with one logit per class.
 */
public fun Runner.infer(pixels: ByteArray): FloatArray {
    write(pixels)
    run()
    return FloatArray(classes).also(::read)
}

/** A runtime that is there refused an artifact, or failed while it ran one. */
public class InferenceException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)
