package dev.levitmobile.timing

import kotlin.math.floor

/**
 * Statistics of samples in ms, by the definitions of `levit-mobile bench`; a record never holds them.
 *
 * @property minimumMs Smallest sample.
 * @property medianMs 50th percentile; percentiles are interpolated linearly.
 * @property p90Ms 90th percentile.
 * @property p99Ms 99th percentile; null for fewer than 100 samples.
 * @property iqrMs 75th less 25th percentile.
 */
public data class Summary(
    val minimumMs: Double,
    val medianMs: Double,
    val p90Ms: Double,
    val p99Ms: Double?,
    val iqrMs: Double,
) {
    /** Interquartile range / median. */
    val spread: Double get() = if (medianMs == 0.0) 0.0 else iqrMs / medianMs

    /** Whether the device was busy with other things; NaN counts as busy. */
    val isNoisy: Boolean get() = !(spread <= NOISY)

    /** Images per second, one after the other. */
    val imagesPerSecond: Double get() = if (medianMs == 0.0) 0.0 else 1000 / medianMs

    public companion object {
        private const val NOISY = 0.10
        private const val TAIL = 100

        /** Statistics of samples in any order; null for none. */
        public fun of(samplesMs: List<Double>): Summary? {
            if (samplesMs.isEmpty()) return null
            val sorted = samplesMs.sorted()
            val p99 = if (sorted.size >= TAIL) quantile(sorted, 0.99) else null
            val iqr = quantile(sorted, 0.75) - quantile(sorted, 0.25)
            return Summary(sorted[0], quantile(sorted, 0.5), quantile(sorted, 0.9), p99, iqr)
        }

        private fun quantile(
            sorted: List<Double>,
            share: Double,
        ): Double {
            val place = share * (sorted.size - 1)
            val low = floor(place).toInt()
            val high = minOf(low + 1, sorted.size - 1)
            return sorted[low] + (sorted[high] - sorted[low]) * (place - low)
        }
    }
}
