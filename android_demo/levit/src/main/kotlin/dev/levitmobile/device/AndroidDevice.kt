package dev.levitmobile.device

import android.app.ActivityManager
import android.content.Context
import android.content.pm.ApplicationInfo
import android.os.Build
import android.os.Debug
import android.os.PowerManager
import android.os.SystemClock
import dev.levitmobile.timing.App
import dev.levitmobile.timing.Conditions
import dev.levitmobile.timing.Device
import dev.levitmobile.timing.MemoryUse
import dev.levitmobile.timing.Platform
import dev.levitmobile.timing.Thermal
import java.io.File

/**
 * This device and its state, as a timing record has them. A value that the system does not give is null or empty.
 *
 * Thread-safe. The functions read small files and ask system services, so they do not belong on the main thread.
 *
 * @param context Any context.
 * @param cpuFolder Where the kernel describes its cores; different in tests only.
 * @param processFolder Where the kernel describes this process; different in tests only.
 * @param clockMs Monotonic time in ms.
 */
public class AndroidDevice(
    context: Context,
    cpuFolder: File = File("/sys/devices/system/cpu"),
    processFolder: File = File("/proc/self"),
    clockMs: () -> Long = SystemClock::elapsedRealtime,
) {
    private val application = context.applicationContext
    private val power = application.getSystemService(PowerManager::class.java)
    private val cores = CoreFiles(cpuFolder)
    private val process = ProcessFiles(processFolder)
    private val headroom = Headroom(power, clockMs)

    /** The device. */
    public fun device(): Device =
        Device(
            platform = Platform.ANDROID,
            model = Build.MODEL,
            soc = chip(),
            os = "Android",
            osVersion = Build.VERSION.RELEASE,
            osBuild = Build.FINGERPRINT,
            cores = cores.count(),
            memoryBytes = memoryBytes(),
            simulated = isEmulator(Build.FINGERPRINT, Build.HARDWARE, Build.PRODUCT),
            coreMaxKhz = cores.maxKhz(),
        )

    /** The app's name and version, and whether it is a debuggable build. */
    public fun app(): App {
        val stated = application.packageManager.getPackageInfo(application.packageName, 0)
        val debuggable = application.applicationInfo.flags and ApplicationInfo.FLAG_DEBUGGABLE != 0
        return App(application.packageName, stated.versionName.orEmpty(), debuggable)
    }

    /** The state of the device now. */
    public fun conditions(): Conditions {
        val battery = BatteryState.read(application)
        val (thermal, headroom) = heat()
        return Conditions(
            thermal = thermal,
            batteryPercent = battery.percent,
            charging = battery.charging,
            lowPowerMode = power?.isPowerSaveMode,
            load = process.load(cores.count()),
            coreKhz = cores.nowKhz(),
            coreLimitKhz = cores.limitKhz(),
            thermalHeadroom = headroom,
            batteryCelsius = battery.celsius,
            screenOn = power?.isInteractive,
        )
    }

    /**
     * Thermal status and headroom now. Both are null before the API level that has them, 29 and 30. The headroom is asked
     * for at most every 10 s, and in between the last answer is given again: Android answers NaN to whoever asks often.
     */
    public fun heat(): Pair<Thermal?, Double?> = thermal() to headroom.now()

    /** Memory of this process. The proportional set size takes milliseconds, and is not for timed code. */
    public fun memory(): MemoryUse {
        val pssKib = Debug.getPss()
        return MemoryUse(process.residentBytes(), process.peakBytes(), (pssKib * KIB).takeIf { it > 0 })
    }

    /** Numbers of the cores that the system lets this process use now; null when unknown. */
    public fun allowedCores(): List<Int>? = process.allowedCores()

    private fun thermal(): Thermal? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) power?.currentThermalStatus?.let(Thermal::ofAndroid) else null

    private fun memoryBytes(): Long? {
        val info = ActivityManager.MemoryInfo()
        application.getSystemService(ActivityManager::class.java)?.getMemoryInfo(info)
        return info.totalMem.takeIf { it > 0 }
    }

    private fun chip(): String {
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            val (maker, model) = Build.SOC_MANUFACTURER to Build.SOC_MODEL
            if (model != Build.UNKNOWN) return if (maker == Build.UNKNOWN || model.startsWith(maker, true)) model else "$maker $model"
        }
        return listOf(Build.HARDWARE, Build.BOARD).firstOrNull { it.isNotEmpty() && it != Build.UNKNOWN } ?: "unknown"
    }

    private companion object {
        const val KIB = 1024L
    }
}

/**
 * Whether a build is one of Android's emulators.
 *
 * @param fingerprint `Build.FINGERPRINT`.
 * @param hardware `Build.HARDWARE`: `ranchu` and `goldfish` are the emulator's, `cutf` begins Cuttlefish's.
 * @param product `Build.PRODUCT`: that of the emulator begins with `sdk_`.
 */
internal fun isEmulator(
    fingerprint: String,
    hardware: String,
    product: String,
): Boolean =
    fingerprint.startsWith("generic") ||
        "emulator" in fingerprint ||
        listOf("ranchu", "goldfish", "cutf").any(hardware::startsWith) ||
        product.startsWith("sdk_")
