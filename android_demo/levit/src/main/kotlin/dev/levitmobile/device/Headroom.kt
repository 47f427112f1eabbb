package dev.levitmobile.device

import android.os.Build
import android.os.PowerManager

/** `PowerManager.getThermalHeadroom`, asked at most every 10 s; in between it gives the last answer. */
internal class Headroom(
    private val power: PowerManager?,
    private val clockMs: () -> Long,
) {
    private var askedMs: Long? = null
    private var last: Double? = null

    /** The headroom, 1.0 at severe throttling; null before API 30 and on devices without it. */
    @Synchronized
    fun now(): Double? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R || power == null) return null
        val nowMs = clockMs()
        val sinceMs = askedMs?.let { nowMs - it }
        if (sinceMs == null || sinceMs >= PERIOD_MS) {
            askedMs = nowMs
            last = power.getThermalHeadroom(0).toDouble().takeIf { it.isFinite() && it >= 0 }
        }
        return last
    }

    private companion object {
        const val PERIOD_MS = 10_000L
    }
}
