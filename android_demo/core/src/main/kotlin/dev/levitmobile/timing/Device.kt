package dev.levitmobile.timing

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** Kind of machine. */
@Serializable
public enum class Platform {
    @SerialName("host")
    HOST,

    @SerialName("android")
    ANDROID,

    @SerialName("ios")
    IOS,
}

/** The phone. */
@Serializable
public data class Device(
    val platform: Platform,
    /** The maker's name for the model, such as `Pixel 8`. */
    val model: String,
    /** Name of the chip. */
    val soc: String,
    val os: String,
    @SerialName("os_version") val osVersion: String,
    @SerialName("os_build") val osBuild: String,
    /** Number of all CPU cores, 1 or more. */
    val cores: Int,
    /** Size of the main memory in bytes; null when unknown. */
    @SerialName("memory_bytes") val memoryBytes: Long? = null,
    /** True for an emulator, whose times are never a phone's. */
    val simulated: Boolean = false,
    /** True where an emulator such as qemu executed the instructions. */
    @SerialName("emulated_cores") val emulatedCores: Boolean = false,
    /** Largest frequency of each core by its number in kHz, null for an unknown one; empty when unknown. */
    @SerialName("core_max_khz") val coreMaxKhz: List<Long?> = emptyList(),
) {
    init {
        requireFrequencies("core_max_khz", coreMaxKhz)
        require(cores >= 1) { "the device has $cores cores, expected 1 or more" }
        require(memoryBytes == null || memoryBytes >= 0) { "memory_bytes is $memoryBytes, expected 0 or more" }
    }
}

/** A thermal state in the words of iOS, then in those of Android's PowerManager. */
@Serializable
public enum class Thermal {
    @SerialName("nominal")
    NOMINAL,

    @SerialName("fair")
    FAIR,

    @SerialName("serious")
    SERIOUS,

    @SerialName("critical")
    CRITICAL,

    @SerialName("none")
    NONE,

    @SerialName("light")
    LIGHT,

    @SerialName("moderate")
    MODERATE,

    @SerialName("severe")
    SEVERE,

    @SerialName("emergency")
    EMERGENCY,

    @SerialName("shutdown")
    SHUTDOWN,

    ;

    public companion object {
        private val ANDROID = listOf(NONE, LIGHT, MODERATE, SEVERE, CRITICAL, EMERGENCY, SHUTDOWN)

        /** State of `PowerManager.getCurrentThermalStatus()`, 0 to 6; null for any other number. */
        public fun ofAndroid(status: Int): Thermal? = ANDROID.getOrNull(status)
    }
}

/** A device at one moment; null where it is unknown. */
@Serializable
public data class Conditions(
    val thermal: Thermal? = null,
    /** Charge of the battery in %, 0 to 100. */
    @SerialName("battery_percent") val batteryPercent: Double? = null,
    val charging: Boolean? = null,
    @SerialName("low_power_mode") val lowPowerMode: Boolean? = null,
    /** Runnable processes per core over the last minute, 0 or more. */
    val load: Double? = null,
    /** Frequency of each core now in kHz, null for an offline one; empty when unknown. */
    @SerialName("core_khz") val coreKhz: List<Long?> = emptyList(),
    /** Largest frequency that the system allows each core now in kHz, null for an offline one; empty when unknown. */
    @SerialName("core_limit_khz") val coreLimitKhz: List<Long?> = emptyList(),
    /** `PowerManager.getThermalHeadroom`; severe throttling begins at 1.0. */
    @SerialName("thermal_headroom") val thermalHeadroom: Double? = null,
    /** Highest temperature of any sensor in degrees Celsius. */
    @SerialName("hottest_celsius") val hottestCelsius: Double? = null,
    /** Temperature of the battery in degrees Celsius. */
    @SerialName("battery_celsius") val batteryCelsius: Double? = null,
    @SerialName("screen_on") val screenOn: Boolean? = null,
    /** Whether Android's fixed performance mode limits the clocks. */
    @SerialName("fixed_performance_mode") val fixedPerformanceMode: Boolean? = null,
) {
    init {
        requireFrequencies("core_khz", coreKhz)
        requireFrequencies("core_limit_khz", coreLimitKhz)
        for (celsius in listOfNotNull(hottestCelsius, batteryCelsius)) {
            require(celsius >= ABSOLUTE_ZERO) { "a temperature is $celsius, expected $ABSOLUTE_ZERO or more" }
        }
        require(batteryPercent == null || batteryPercent in 0.0..100.0) { "battery_percent is $batteryPercent, expected 0 to 100" }
        require(load == null || load >= 0) { "load is $load, expected 0 or more" }
    }
}

private const val ABSOLUTE_ZERO = -273.15

private fun requireFrequencies(
    field: String,
    khz: List<Long?>,
) {
    require(khz.all { it == null || it > 0 }) { "$field has a frequency of 0 kHz or less" }
}
