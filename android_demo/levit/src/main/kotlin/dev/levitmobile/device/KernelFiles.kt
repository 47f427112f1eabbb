package dev.levitmobile.device

import java.io.File
import java.io.IOException

/**
 * What the kernel tells about its cores. Phones hide some of the files from apps, so each value may be missing.
 *
 * @param folder `/sys/devices/system/cpu`.
 */
internal class CoreFiles(
    private val folder: File,
) {
    /** Number of all cores, also of those that are offline now. */
    fun count(): Int = (numbers().lastOrNull()?.plus(1) ?: 0).coerceAtLeast(Runtime.getRuntime().availableProcessors())

    /** Largest frequency of each core's hardware in kHz; empty when none is known. */
    fun maxKhz(): List<Long?> = each("cpuinfo_max_freq")

    /** Largest frequency that the system allows each core now. */
    fun limitKhz(): List<Long?> = each("scaling_max_freq")

    /** Frequency of each core now. */
    fun nowKhz(): List<Long?> = each("scaling_cur_freq")

    private fun each(file: String): List<Long?> {
        val found = (0 until (numbers().lastOrNull()?.plus(1) ?: 0)).map { number(File(folder, "cpu$it/cpufreq/$file")) }
        return if (found.any { it != null }) found else emptyList()
    }

    private fun numbers(): List<Int> =
        folder
            .list()
            .orEmpty()
            .mapNotNull {
                NAME
                    .matchEntire(it)
                    ?.groupValues
                    ?.get(1)
                    ?.toInt()
            }.sorted()

    private fun number(file: File): Long? = read(file)?.trim()?.toLongOrNull()?.takeIf { it > 0 }

    private companion object {
        val NAME = Regex("cpu([0-9]{1,4})")
    }
}

/**
 * What the kernel tells about this process.
 *
 * @param folder `/proc/self`.
 */
internal class ProcessFiles(
    private val folder: File,
) {
    /** Resident memory now. */
    fun residentBytes(): Long? = kib("VmRSS")

    /** Largest resident memory so far. */
    fun peakBytes(): Long? = kib("VmHWM")

    /** Numbers of the cores that the process may use. */
    fun allowedCores(): List<Int>? = status("Cpus_allowed_list")?.split(",")?.flatMap(::range)?.takeIf { it.isNotEmpty() }

    /** Runnable processes per core over the last minute; null for apps on most phones. */
    fun load(cores: Int): Double? = read(File(folder, "../loadavg"))?.substringBefore(' ')?.toDoubleOrNull()?.div(cores)

    private fun kib(name: String): Long? =
        status(name)
            ?.substringBefore(" kB")
            ?.trim()
            ?.toLongOrNull()
            ?.times(KIB)

    private fun status(name: String): String? =
        read(File(folder, "status"))
            ?.lineSequence()
            ?.firstOrNull { it.startsWith("$name:") }
            ?.substringAfter(':')
            ?.trim()

    private fun range(words: String): List<Int> {
        val ends = words.trim().split("-").map { it.toIntOrNull() ?: return emptyList() }
        return (ends.first()..ends.last()).toList()
    }

    private companion object {
        const val KIB = 1024L
    }
}

private fun read(file: File): String? =
    try {
        file.readText()
    } catch (_: IOException) {
        null
    }
