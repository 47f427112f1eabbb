package dev.levitmobile.parity

import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln
import kotlin.math.log10
import kotlin.math.sqrt

/**
 * How far a candidate's logits are from a reference's; the definitions of `levit_mobile/parity/metrics.py`.
 *
 * Logits are one array per image, all of one length. Sums run in 64 bits. All functions throw
 * [IllegalArgumentException] if the shapes differ, there are no values, or a value is not finite.
 */
public object Metrics {
    /** Largest |reference - candidate| over all values, 0 or more. */
    public fun maxAbsError(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): Double = paired(reference, candidate).maxOf { (expected, found) -> maxAbsError(expected, found) }

    /** Mean |reference - candidate| over all values, 0 or more. */
    public fun meanAbsError(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): Double = paired(reference, candidate).map { (expected, found) -> meanAbsError(expected, found) }.average()

    /**
     * Signal-to-quantization-noise ratio in dB: 10 log10(sum(reference^2) / sum((reference - candidate)^2)).
     *
     * It is infinite if both are identical, and minus infinity if only the reference is all zeros.
     */
    public fun sqnrDb(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): Double = SignalNoise.total(paired(reference, candidate).map { SignalNoise.of(it.first, it.second) }).sqnrDb

    /** [sqnrDb] of logits less each image's mean: a constant added to all logits of an image changes nothing. */
    public fun centredSqnrDb(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): Double = SignalNoise.total(paired(reference, candidate).map { SignalNoise.centred(it.first, it.second) }).sqnrDb

    /**
     * Mean cosine similarity of each image's logits, -1 to 1.
     *
     * An image whose logits are all zeros on one side counts 0, on both sides 1.
     */
    public fun cosine(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): Double = paired(reference, candidate).map { (expected, found) -> cosine(expected, found) }.average()

    /** Mean Kullback-Leibler divergence of the softmax probabilities from the reference's, in nats, 0 or more. */
    public fun kl(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): Double = paired(reference, candidate).map { (expected, found) -> kl(expected, found) }.average()

    /**
     * Share of images whose top class in the reference is among the candidate's top [k], 0 to 1.
     *
     * Among equal logits the lower class comes first. A [k] above the number of classes means all of them.
     */
    public fun topKAgreement(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
        k: Int,
    ): Double {
        require(k >= 1) { "k is $k, expected 1 or more" }
        val pairs = paired(reference, candidate)
        return pairs.count { (expected, found) -> topClasses(expected, 1)[0] in topClasses(found, k) }.toDouble() / pairs.size
    }

    /** The [k] best classes of one image, best first; among equal logits the lower class comes first. */
    public fun topClasses(
        logits: FloatArray,
        k: Int,
    ): List<Int> = logits.indices.sortedByDescending { logits[it] }.take(k)

    /** Probabilities of one image, which sum to 1. */
    public fun softmax(logits: FloatArray): DoubleArray = logSoftmax(logits).also { for (i in it.indices) it[i] = exp(it[i]) }

    private fun maxAbsError(
        reference: FloatArray,
        candidate: FloatArray,
    ): Double = reference.indices.maxOf { abs(reference[it].toDouble() - candidate[it]) }

    private fun meanAbsError(
        reference: FloatArray,
        candidate: FloatArray,
    ): Double = reference.indices.sumOf { abs(reference[it].toDouble() - candidate[it]) } / reference.size

    private fun cosine(
        reference: FloatArray,
        candidate: FloatArray,
    ): Double {
        if (reference.indices.all { reference[it] == candidate[it] }) return 1.0
        val lengths = length(reference) * length(candidate)
        if (lengths == 0.0) return 0.0
        return (reference.indices.sumOf { reference[it].toDouble() * candidate[it] } / lengths).coerceIn(-1.0, 1.0)
    }

    private fun length(values: FloatArray): Double = sqrt(values.sumOf { it.toDouble() * it })

    private fun kl(
        reference: FloatArray,
        candidate: FloatArray,
    ): Double {
        val expected = logSoftmax(reference)
        val found = logSoftmax(candidate)
        return maxOf(expected.indices.sumOf { exp(expected[it]) * (expected[it] - found[it]) }, 0.0)
    }

    private fun logSoftmax(logits: FloatArray): DoubleArray {
        val largest = logits.max().toDouble()
        val total = ln(logits.sumOf { exp(it - largest) })
        return DoubleArray(logits.size) { logits[it] - largest - total }
    }

    private fun paired(
        reference: List<FloatArray>,
        candidate: List<FloatArray>,
    ): List<Pair<FloatArray, FloatArray>> {
        require(reference.isNotEmpty() && reference.all { it.isNotEmpty() }) { "there are no logits, expected one or more" }
        val sizes = reference.map { it.size }
        require(sizes == candidate.map { it.size } && sizes.toSet().size == 1) {
            "the candidate has logits of sizes ${candidate.map { it.size }}, expected the reference's $sizes"
        }
        require((reference + candidate).all { logits -> logits.all { it.isFinite() } }) { "a logit is not finite" }
        return reference.zip(candidate)
    }
}

/**
 * The two sums of which SQNR is the ratio.
 *
 * @property signal Sum of reference^2, 0 or more.
 * @property noise Sum of (reference - candidate)^2, 0 or more.
 */
public data class SignalNoise(
    val signal: Double,
    val noise: Double,
) {
    /** The ratio in dB; infinite without noise, minus infinity for noise without a signal. */
    val sqnrDb: Double
        get() =
            when {
                noise == 0.0 -> Double.POSITIVE_INFINITY
                signal == 0.0 -> Double.NEGATIVE_INFINITY
                else -> 10 * (log10(signal) - log10(noise))
            }

    public companion object {
        /** The sums of one image. */
        public fun of(
            reference: FloatArray,
            candidate: FloatArray,
        ): SignalNoise = of(reference, candidate, 0.0, 0.0)

        /** The sums of one image's logits less their mean. */
        public fun centred(
            reference: FloatArray,
            candidate: FloatArray,
        ): SignalNoise = of(reference, candidate, mean(reference), mean(candidate))

        /** The sums over several images. */
        public fun total(parts: List<SignalNoise>): SignalNoise = SignalNoise(parts.sumOf { it.signal }, parts.sumOf { it.noise })

        private fun mean(values: FloatArray): Double = values.sumOf { it.toDouble() } / values.size

        private fun of(
            reference: FloatArray,
            candidate: FloatArray,
            expectedMean: Double,
            foundMean: Double,
        ): SignalNoise {
            var signal = 0.0
            var noise = 0.0
            for (place in reference.indices) {
                val expected = reference[place] - expectedMean
                val apart = expected - (candidate[place] - foundMean)
                signal += expected * expected
                noise += apart * apart
            }
            return SignalNoise(signal, noise)
        }
    }
}
