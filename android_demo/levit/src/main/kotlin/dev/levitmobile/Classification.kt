package dev.levitmobile

import dev.levitmobile.parity.CheckResult
import dev.levitmobile.prediction.ClassScore

/**
 * What a model sees in one image.
 *
 * @property classes The best classes, best first.
 * @property preprocessMs Milliseconds from the decoded picture to the filled input tensor. Decoding is not counted.
 * @property inferenceMs Milliseconds of the inference alone.
 */
public class Classification(
    public val classes: List<ClassScore>,
    public val preprocessMs: Double,
    public val inferenceMs: Double,
)

/**
 * An artifact that does not compute on this device what the trained model computes.
 *
 * @property check Which bounds do not hold, and by how much.
 */
public class BrokenBundleException(
    bundle: String,
    public val check: CheckResult,
) : Exception("$bundle fails its self-check: ${check.reasons.joinToString("; ")}")

/** A picture that cannot be read. */
public class UnreadablePictureException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)
