package dev.levitmobile.timing

/**
 * Waits until a device is cool enough.
 *
 * @param coolDown When it is.
 * @param heat Thermal status and headroom of the device now; null for what is unknown.
 * @param pause Waits for a time in ms, such as `kotlinx.coroutines.delay`.
 */
internal class CoolDownGate(
    private val coolDown: CoolDown,
    private val heat: () -> Pair<Thermal?, Double?>,
    private val pause: suspend (Long) -> Unit,
) {
    /** Time waited so far in all, in ms. */
    var waitedMs = 0L
        private set

    /**
     * Wait; cancellable while it does.
     *
     * @param waiting Called before each wait with the time waited this time, in ms, and the thermal status.
     * @return Why the device is not going to be cool enough; null when it is.
     */
    suspend fun pass(waiting: (Long, Thermal?) -> Unit): String? {
        var waited = 0L
        while (true) {
            val (thermal, headroom) = heat()
            when (val decision = coolDown.decide(thermal, headroom, waited)) {
                CoolDown.Decision.GoOn -> return null
                is CoolDown.Decision.GiveUp -> return decision.reason
                is CoolDown.Decision.Wait -> {
                    waiting(waited, thermal)
                    pause(decision.ms)
                    waited += decision.ms
                    waitedMs += decision.ms
                }
            }
        }
    }
}
