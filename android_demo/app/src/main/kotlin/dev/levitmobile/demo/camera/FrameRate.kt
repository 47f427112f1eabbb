package dev.levitmobile.demo.camera

/**
 * Frames per second over the last frames.
 *
 * @param clock Monotonic time in ns.
 */
class FrameRate(
    private val clock: () -> Long,
) {
    private val times = ArrayDeque<Long>()

    /** Note that a frame is done; returns frames per second, or null after the first one. */
    fun next(): Double? {
        times.addLast(clock())
        if (times.size > FRAMES) times.removeFirst()
        val elapsed = times.last() - times.first()
        return if (elapsed > 0) (times.size - 1) * NS_PER_S / elapsed else null
    }

    /** Forget all frames, such as when another bundle was chosen. */
    fun clear() = times.clear()

    private companion object {
        const val FRAMES = 20
        const val NS_PER_S = 1e9
    }
}
