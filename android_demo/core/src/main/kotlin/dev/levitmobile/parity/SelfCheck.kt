package dev.levitmobile.parity

import dev.levitmobile.contract.Head
import dev.levitmobile.contract.Tolerance
import dev.levitmobile.contract.Verdict
import dev.levitmobile.timing.Parity
import java.math.BigDecimal
import java.math.MathContext
import java.util.Locale
import java.util.concurrent.CancellationException

/**
 * One golden image of a bundle.
 *
 * @property name Name of the image.
 * @property pixels RGB bytes [height,width,3], prepared already.
 * @property logits The trained model's logits, one per class.
 */
public class GoldenImage(
    public val name: String,
    public val pixels: ByteArray,
    public val logits: FloatArray,
)

/** Thrown by a runner where the device lacks what the run needs; the artifact may be sound. */
public class NotAvailableException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** The figures of a comparison, in the units of [Metrics]. */
public data class Figures(
    val maxAbsError: Double,
    val meanAbsError: Double,
    val sqnrDb: Double,
    /** The SQNR for which the bound holds: of centred logits where softmax makes the probabilities. */
    val judgedSqnrDb: Double,
    val cosine: Double,
    val kl: Double,
    val top1Agreement: Double,
    val top5Agreement: Double,
)

/**
 * Whether an artifact computes on this device what the trained model computes.
 *
 * @property verdict Proven, broken or not run.
 * @property reasons Why it is not proven, one sentence each.
 * @property images Number of golden images compared.
 * @property figures The figures behind the verdict; null if nothing could be compared.
 */
public data class CheckResult(
    val verdict: Verdict,
    val reasons: List<String>,
    val images: Int,
    val figures: Figures?,
) {
    /** Whether times of the artifact may be taken. */
    public val mayBeTimed: Boolean get() = verdict == Verdict.PROVEN

    /** The same for a timing record. */
    public fun toParity(against: String): Parity =
        Parity(
            verdict = verdict,
            reasons = reasons,
            against = against,
            pictures = images,
            maxAbsError = figures?.maxAbsError,
            sqnrDb = figures?.sqnrDb?.takeIf { it.isFinite() },
            top1Agreement = figures?.top1Agreement,
        )
}

/** Compares an artifact's logits for golden images with the trained model's, under the contract's tolerance. */
public object SelfCheck {
    /**
     * Run all golden images and judge the logits.
     *
     * @param infer Takes an image's pixels and returns its logits. [NotAvailableException] makes the verdict `not run`,
     *   any other exception `broken`; a cancellation is passed on.
     */
    public fun run(
        golden: List<GoldenImage>,
        tolerance: Tolerance,
        head: Head,
        infer: (ByteArray) -> FloatArray,
    ): CheckResult {
        if (golden.isEmpty()) return failed(Verdict.NOT_RUN, "the bundle holds no golden images")
        return try {
            judge(golden.map { it.logits }, golden.map { infer(it.pixels).copyOf() }, tolerance, head)
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (missing: NotAvailableException) {
            failed(Verdict.NOT_RUN, missing.message.orEmpty())
        } catch (error: Exception) {
            failed(Verdict.BROKEN, "the artifact could not run: ${error.message ?: error.javaClass.simpleName}")
        }
    }

    /** Judge logits, one array per image, in the order of the reference's. */
    public fun judge(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
        tolerance: Tolerance,
        head: Head,
    ): CheckResult {
        defect(reference, candidate)?.let { return CheckResult(Verdict.BROKEN, listOf(it), reference.size, null) }
        val centred = head == Head.SOFTMAX && reference[0].size > 1
        val sqnrDb = Metrics.sqnrDb(reference, candidate)
        val figures =
            Figures(
                maxAbsError = Metrics.maxAbsError(reference, candidate),
                meanAbsError = Metrics.meanAbsError(reference, candidate),
                sqnrDb = sqnrDb,
                judgedSqnrDb = if (centred) Metrics.centredSqnrDb(reference, candidate) else sqnrDb,
                cosine = Metrics.cosine(reference, candidate),
                kl = Metrics.kl(reference, candidate),
                top1Agreement = Metrics.topKAgreement(reference, candidate, 1),
                top5Agreement = Metrics.topKAgreement(reference, candidate, 5),
            )
        val reasons = brokenBounds(figures, tolerance, reference.size)
        return CheckResult(if (reasons.isEmpty()) Verdict.PROVEN else Verdict.BROKEN, reasons, reference.size, figures)
    }

    private fun failed(
        verdict: Verdict,
        reason: String,
    ) = CheckResult(verdict, listOf(reason), 0, null)

    private fun defect(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): String? {
        val expected = reference.map { it.size }
        val found = candidate.map { it.size }
        if (found != expected) return "the artifact gave logits of sizes $found, expected $expected"
        val bad = candidate.count { logits -> logits.any { !it.isFinite() } }
        return if (bad > 0) "the artifact gave NaN or infinite logits on $bad of ${candidate.size} images" else null
    }

    /** One sentence per bound that does not hold, in the order and the words of `levit-mobile validate`. */
    private fun brokenBounds(
        found: Figures,
        bounds: Tolerance,
        images: Int,
    ): List<String> =
        listOfNotNull(
            least(found.judgedSqnrDb, bounds.minSqnrDb) { "SQNR is ${fixed(it, 1)} dB, expected at least ${short(bounds.minSqnrDb)} dB" },
            least(found.top1Agreement, bounds.minTop1Agreement) {
                "top-1 agrees on ${percent(it)} of $images images, expected at least ${percent(bounds.minTop1Agreement)}"
            },
            bounds.minTop5Agreement?.let { bound ->
                least(found.top5Agreement, bound) {
                    "the reference's top class is among the artifact's top 5 on ${percent(it)} of $images images, " +
                        "expected at least ${percent(bound)}"
                }
            },
            bounds.minCosine?.let { bound ->
                least(found.cosine, bound) { "cosine is ${fixed(it, 6)}, expected at least ${short(bound)}" }
            },
            bounds.maxAbsError?.let { bound -> most("max abs error", found.maxAbsError, bound, "logits") },
            bounds.maxMeanAbsError?.let { bound -> most("mean abs error", found.meanAbsError, bound, "logits") },
            bounds.maxKl?.let { bound -> most("KL", found.kl, bound, "nats") },
        )

    /** The comparison is written so that NaN breaks the bound. */
    private fun least(
        found: Double,
        bound: Double,
        sentence: (Double) -> String,
    ): String? = if (found >= bound) null else sentence(found)

    private fun most(
        name: String,
        found: Double,
        bound: Double,
        unit: String,
    ): String? {
        if (found <= bound) return null
        return "$name is ${String.format(Locale.ROOT, "%.2e", found)} $unit, expected at most ${short(bound)}"
    }

    private fun percent(share: Double) = "${fixed(100 * share, 2)}%"

    private fun fixed(
        value: Double,
        digits: Int,
    ): String =
        when {
            value.isNaN() -> "nan"
            value.isInfinite() -> if (value > 0) "inf" else "-inf"
            else -> String.format(Locale.ROOT, "%.${digits}f", value)
        }

    /** Six digits without trailing zeros, with an exponent for small and large numbers, as Python's `g` writes it. */
    internal fun short(value: Double): String {
        if (value == 0.0) return "0"
        val rounded = BigDecimal(value).round(MathContext(6)).stripTrailingZeros()
        val exponent = rounded.precision() - rounded.scale() - 1
        if (exponent in -4..5) return rounded.toPlainString()
        val digits = rounded.unscaledValue().abs().toString()
        val sign = if (rounded.signum() < 0) "-" else ""
        val point = if (digits.length > 1) "." else ""
        return String.format(Locale.ROOT, "%s%s%s%se%+03d", sign, digits[0], point, digits.substring(1), exponent)
    }
}
