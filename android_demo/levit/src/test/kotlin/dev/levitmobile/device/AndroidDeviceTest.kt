package dev.levitmobile.device

import android.content.Context
import android.content.Intent
import android.content.pm.ApplicationInfo
import android.os.BatteryManager
import android.os.PowerManager
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.timing.Platform
import dev.levitmobile.timing.Thermal
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowBuild
import org.robolectric.util.ReflectionHelpers

@RunWith(AndroidJUnit4::class)
class AndroidDeviceTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val context = ApplicationProvider.getApplicationContext<Context>()
    private var nowMs = 0L

    private fun device() = AndroidDevice(context, folder.root, folder.root) { nowMs }

    private fun write(
        path: String,
        text: String,
    ) {
        java.io
            .File(folder.root, path)
            .apply { parentFile?.mkdirs() }
            .writeText(text)
    }

    @Test
    @Config(sdk = [26, 36])
    fun theDeviceIsNamed() {
        ShadowBuild.setModel("Pixel 8")
        ShadowBuild.setFingerprint("google/shiba/shiba:16/BP1A/1:user/release-keys")
        ShadowBuild.setHardware("shiba")
        ReflectionHelpers.setStaticField(android.os.Build::class.java, "PRODUCT", "shiba")
        write("cpu0/cpufreq/cpuinfo_max_freq", "1704000\n")
        write("cpu3/cpufreq/cpuinfo_max_freq", "2367000\n")
        write("cpufreq/ignored", "")
        val device = device().device()
        assertEquals(Platform.ANDROID, device.platform)
        assertEquals(
            listOf("Pixel 8", "Android", "google/shiba/shiba:16/BP1A/1:user/release-keys"),
            listOf(device.model, device.os, device.osBuild),
        )
        assertEquals(listOf(1_704_000L, null, null, 2_367_000L), device.coreMaxKhz)
        assertTrue(device.cores >= 4)
        assertFalse(device.simulated)
    }

    @Test
    @Config(sdk = [26])
    fun theHardwareNamesTheChipBeforeApi31() {
        ShadowBuild.setHardware("exynos9810")
        assertEquals("exynos9810", device().device().soc)
    }

    @Test
    @Config(sdk = [36])
    fun theChipHasItsMakersName() {
        ReflectionHelpers.setStaticField(android.os.Build::class.java, "SOC_MANUFACTURER", "Google")
        ReflectionHelpers.setStaticField(android.os.Build::class.java, "SOC_MODEL", "Tensor G3")
        assertEquals("Google Tensor G3", device().device().soc)
        ReflectionHelpers.setStaticField(android.os.Build::class.java, "SOC_MODEL", "Google Tensor G3")
        assertEquals("Google Tensor G3", device().device().soc)
    }

    @Test
    fun emulatorsAreRecognised() {
        assertTrue(isEmulator("google/sdk_gphone64_x86_64/emu64x:14/UE1A/1:userdebug", "ranchu", "sdk_gphone64_x86_64"))
        assertTrue(isEmulator("generic/vsoc_x86_64/vsoc", "cutf_cvm", "aosp_cf"))
        assertFalse(isEmulator("google/shiba/shiba:16/BP1A/1:user/release-keys", "shiba", "shiba"))
    }

    @Test
    @Config(sdk = [26, 36])
    fun theAppAndItsBuildAreStated() {
        val flags = context.applicationInfo.flags
        context.applicationInfo.flags = flags or ApplicationInfo.FLAG_DEBUGGABLE
        assertEquals(true, device().app().debuggable)
        context.applicationInfo.flags = flags and ApplicationInfo.FLAG_DEBUGGABLE.inv()
        assertEquals(false, device().app().debuggable)
        assertEquals(context.packageName, device().app().name)
        context.applicationInfo.flags = flags
    }

    @Test
    @Config(sdk = [26, 36])
    fun theBatteryIsReadFromItsBroadcast() {
        battery(BatteryManager.BATTERY_STATUS_CHARGING, level = 30, scale = 200, tenths = 312)
        val conditions = device().conditions()
        assertEquals(listOf<Any?>(15.0, true, 31.2), listOf(conditions.batteryPercent, conditions.charging, conditions.batteryCelsius))
        battery(BatteryManager.BATTERY_STATUS_UNKNOWN, level = -1, scale = 100, tenths = -4000)
        val unknown = device().conditions()
        assertEquals(listOf<Any?>(null, null, null), listOf(unknown.batteryPercent, unknown.charging, unknown.batteryCelsius))
    }

    @Suppress("DEPRECATION") // the system's own broadcast is a sticky one
    private fun battery(
        status: Int,
        level: Int,
        scale: Int,
        tenths: Int,
    ) {
        context.sendStickyBroadcast(
            Intent(Intent.ACTION_BATTERY_CHANGED)
                .putExtra(BatteryManager.EXTRA_STATUS, status)
                .putExtra(BatteryManager.EXTRA_LEVEL, level)
                .putExtra(BatteryManager.EXTRA_SCALE, scale)
                .putExtra(BatteryManager.EXTRA_TEMPERATURE, tenths)
                .putExtra(BatteryManager.EXTRA_PRESENT, true),
        )
    }

    @Test
    @Config(sdk = [36])
    fun powerSaveScreenAndHeatAreRead() {
        val power = shadowOf(context.getSystemService(PowerManager::class.java))
        power.setIsPowerSaveMode(true)
        power.turnScreenOn(false)
        power.setCurrentThermalStatus(PowerManager.THERMAL_STATUS_SEVERE)
        val conditions = device().conditions()
        assertEquals(listOf<Any?>(true, false, Thermal.SEVERE), listOf(conditions.lowPowerMode, conditions.screenOn, conditions.thermal))
        assertNull(conditions.thermalHeadroom) // Robolectric answers NaN, as a device without it does
    }

    @Test
    @Config(sdk = [26])
    fun heatIsUnknownOnOldPhones() {
        assertEquals(null to null, device().heat())
    }

    @Test
    @Config(sdk = [36])
    fun kernelFilesAreRead() {
        write("cpu0/cpufreq/scaling_cur_freq", "600000\n")
        write("cpu0/cpufreq/scaling_max_freq", "1200000\n")
        write("cpu1/cpufreq/scaling_cur_freq", "hidden\n")
        write("status", "Name:\tbench\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nCpus_allowed_list:\t0-1,4\n")
        val conditions = device().conditions()
        assertEquals(listOf(600_000L, null), conditions.coreKhz)
        assertEquals(listOf(1_200_000L, null), conditions.coreLimitKhz)
        val memory = device().memory()
        assertEquals(listOf<Long?>(1L shl 20, 2L shl 20), listOf(memory.residentBytes, memory.peakBytes))
        assertEquals(listOf(0, 1, 4), device().allowedCores())
    }

    @Test
    @Config(sdk = [36])
    fun hiddenKernelFilesAreUnknown() {
        val conditions = device().conditions()
        assertEquals(emptyList<Long?>(), conditions.coreKhz + conditions.coreLimitKhz)
        assertNull(device().memory().peakBytes)
        assertNull(device().allowedCores())
        assertTrue(device().device().cores >= 1)
    }
}
