package dev.levitmobile.device

import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.os.BatteryManager

/**
 * The battery; null where Android does not report it.
 *
 * @property percent Charge in %, 0 to 100.
 * @property charging Whether a charger feeds it.
 * @property celsius Temperature in degrees Celsius.
 */
internal class BatteryState(
    val percent: Double?,
    val charging: Boolean?,
    val celsius: Double?,
) {
    companion object {
        private const val TENTHS = 10.0
        private const val ABSOLUTE_ZERO = -273.15
        private val KNOWN =
            mapOf(
                BatteryManager.BATTERY_STATUS_CHARGING to true,
                BatteryManager.BATTERY_STATUS_DISCHARGING to false,
                BatteryManager.BATTERY_STATUS_NOT_CHARGING to false,
                BatteryManager.BATTERY_STATUS_FULL to false,
            )

        /** The state of the last broadcast, which Android keeps. */
        fun read(context: Context): BatteryState {
            val sticky = context.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED))
            return if (sticky == null) BatteryState(null, null, null) else of(sticky)
        }

        private fun of(stated: Intent): BatteryState {
            if (!stated.getBooleanExtra(BatteryManager.EXTRA_PRESENT, true)) return BatteryState(null, null, null)
            val level = stated.getIntExtra(BatteryManager.EXTRA_LEVEL, -1)
            val scale = stated.getIntExtra(BatteryManager.EXTRA_SCALE, -1)
            val tenths = stated.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Int.MIN_VALUE)
            return BatteryState(
                percent = if (scale > 0 && level in 0..scale) 100.0 * level / scale else null,
                charging = KNOWN[stated.getIntExtra(BatteryManager.EXTRA_STATUS, -1)],
                celsius = (tenths / TENTHS).takeIf { tenths != Int.MIN_VALUE && it >= ABSOLUTE_ZERO },
            )
        }
    }
}
