package dev.levitmobile.demo.benchmark

import android.app.ActivityManager
import android.app.ApplicationExitInfo
import android.content.Context
import android.os.Build
import androidx.annotation.RequiresApi
import kotlinx.coroutines.delay

/** Why Android says that a process of this app died. */
internal class ExitReasons(
    context: Context,
) {
    private val application = context.applicationContext
    private val manager = application.getSystemService(ActivityManager::class.java)

    /** A few words, such as "a crash in native code"; null before API 30 and where Android has none. */
    suspend fun of(process: Int): String? {
        if (Build.VERSION.SDK_INT < Build.VERSION_CODES.R) return null
        repeat(TRIES) {
            // Android writes it down a moment after the death.
            manager?.getHistoricalProcessExitReasons(application.packageName, process, 1)?.firstOrNull()?.let { return words(it) }
            delay(PAUSE_MS)
        }
        return null
    }

    @RequiresApi(Build.VERSION_CODES.R)
    private fun words(info: ApplicationExitInfo): String {
        val why = REASONS[info.reason] ?: "Android's reason ${info.reason}"
        val signal = if (info.reason in SIGNALS && info.status != 0) " (signal ${info.status})" else ""
        return why + signal + info.description?.let { ", $it" }.orEmpty()
    }

    private companion object {
        const val TRIES = 10
        const val PAUSE_MS = 100L
        val REASONS =
            mapOf(
                ApplicationExitInfo.REASON_CRASH to "a crash",
                ApplicationExitInfo.REASON_CRASH_NATIVE to "a crash in native code",
                ApplicationExitInfo.REASON_ANR to "it did not respond",
                ApplicationExitInfo.REASON_LOW_MEMORY to "Android was out of memory",
                ApplicationExitInfo.REASON_SIGNALED to "a signal of the system",
                ApplicationExitInfo.REASON_EXIT_SELF to "the runtime ended the process",
                ApplicationExitInfo.REASON_EXCESSIVE_RESOURCE_USAGE to "it used too much of the device",
                ApplicationExitInfo.REASON_USER_REQUESTED to "the user has stopped the app",
            )
        val SIGNALS = setOf(ApplicationExitInfo.REASON_CRASH_NATIVE, ApplicationExitInfo.REASON_SIGNALED)
    }
}
