package dev.levitmobile.demo.ui

import android.content.res.Resources
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.platform.LocalResources
import dev.levitmobile.demo.R
import dev.levitmobile.timing.Accelerator
import java.text.NumberFormat
import java.util.Locale

/**
 * Numbers with their units, and names, for sentences of any direction.
 *
 * Each is a bidi isolate: without one, a right-to-left sentence shows the parts of `25.07 ms` in another order.
 */
class Words(
    private val resources: Resources,
) {
    private val locale: Locale = resources.configuration.locales[0]

    /** A time, such as `25.07 ms`. */
    fun milliseconds(ms: Double): String = unit(R.string.unit_milliseconds, number(ms, if (ms < HUNDRED) 2 else 1))

    /** A time in whole seconds. */
    fun seconds(s: Double): String = unit(R.string.unit_seconds, number(s, 0))

    /** A frequency of frames. */
    fun framesPerSecond(frames: Double): String = unit(R.string.unit_frames_per_second, number(frames, if (frames < TEN) 1 else 0))

    /** A share of 1, such as `87.5%`. */
    fun percent(share: Double): String {
        val format = NumberFormat.getPercentInstance(locale)
        format.minimumFractionDigits = 1
        format.maximumFractionDigits = 1
        return isolate(format.format(share))
    }

    /** A size in megabytes of a million bytes, or in kilobytes. */
    fun bytes(bytes: Long): String =
        if (bytes < MEGA) unit(R.string.unit_kilobytes, number(bytes / KILO, 1)) else unit(R.string.unit_megabytes, number(bytes / MEGA, 1))

    /** A signal-to-noise ratio in dB. */
    fun decibels(db: Double): String = unit(R.string.unit_decibels, if (db.isInfinite()) "∞" else number(db, 1))

    /** A time divided by the fastest one, such as `1.25×`. */
    fun ratio(ratio: Double): String = unit(R.string.unit_times, number(ratio, 2))

    /** A count. */
    fun count(number: Long): String = isolate(number(number.toDouble(), 0))

    /** A number without a unit, with so many digits after the point. */
    fun fixed(
        value: Double,
        digits: Int,
    ): String = isolate(number(value, digits))

    /** A small number, such as `3.34e-06`. */
    fun small(value: Double): String = isolate(String.format(Locale.ROOT, "%.2e", value))

    /** Sizes, such as `1 × 3 × 224 × 224`. */
    fun sizes(sizes: List<Int>): String = isolate(sizes.joinToString(" × ") { number(it.toDouble(), 0, grouping = false) })

    /** Where a bundle runs, such as `CPU, 4 threads`. */
    fun engine(
        accelerator: Accelerator,
        threads: Int,
    ): String = engine(accelerator == Accelerator.GPU, threads)

    /** The same for a record's words: `xnnpack` or `gpu`. */
    fun engine(
        accelerator: String,
        threads: Int?,
    ): String = engine(accelerator == GPU, threads ?: 1)

    private fun engine(
        onGpu: Boolean,
        threads: Int,
    ): String = if (onGpu) resources.getString(R.string.gpu) else resources.getQuantityString(R.plurals.cpu_threads, threads, threads)

    private fun unit(
        text: Int,
        number: String,
    ): String = isolate(resources.getString(text, number))

    private fun number(
        value: Double,
        digits: Int,
        grouping: Boolean = true,
    ): String =
        NumberFormat
            .getNumberInstance(locale)
            .apply {
                minimumFractionDigits = digits
                maximumFractionDigits = digits
                isGroupingUsed = grouping
            }.format(value)

    companion object {
        private const val HUNDRED = 100
        private const val TEN = 10
        private const val KILO = 1e3
        private const val MEGA = 1e6
        private const val GPU = "gpu"
        private val BREAKABLE = Regex("[-_]")

        /** A bundle's or a step's name, which may be broken behind its hyphens and underscores. */
        fun name(text: String): String = isolate(text.replace(BREAKABLE, "$0\u200b"))

        /** A name or a number that keeps its own direction in a sentence. */
        fun isolate(text: String): String = "\u2068$text\u2069"
    }
}

/** The words of the screen's language. */
@Composable
fun rememberWords(): Words {
    val resources = LocalResources.current
    return remember(resources, resources.configuration) { Words(resources) }
}
