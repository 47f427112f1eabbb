package dev.levitmobile.timing

import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.STRICT
import dev.levitmobile.contract.readVersion
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json

/** Where an artifact runs; exactly one per run, because a list would fall back without a word. */
@Serializable
public enum class Accelerator {
    @SerialName("cpu")
    CPU,

    @SerialName("gpu")
    GPU,
}

/**
 * What is timed: a bundle on an accelerator.
 *
 * @property bundle Name of the bundle's folder.
 * @property accelerator Where it runs.
 * @property threads Number of CPU threads, 1 or more.
 */
@Serializable
public data class TimingStep(
    val bundle: String,
    val accelerator: Accelerator = Accelerator.CPU,
    val threads: Int = 1,
) {
    init {
        require(bundle.isNotEmpty()) { "a step has no bundle" }
        require(threads >= 1) { "threads is $threads, expected 1 or more" }
    }

    /** Name of the step's timing, unique in a plan. */
    val name: String get() = if (accelerator == Accelerator.CPU) "$bundle-cpu$threads" else "$bundle-gpu"
}

/**
 * What a benchmark does: which steps it times, how often, and in which order.
 *
 * [Benchmark] times all steps in one process, one inference of each in turn. [TimingSession] gives each step processes
 * of its own, [starts] of them, which share the rounds; the steps' processes run in turn. In both, what slows the phone
 * down for a while so slows all steps, and the order is drawn anew each time, because a step finds the caches and the
 * temperature as the one before left them.
 *
 * @property steps What is timed.
 * @property rounds Rounds that are kept, 1 or more.
 * @property warmupRounds Rounds before them that are not kept, 0 or more; each process has that many.
 * @property starts Number of fresh processes per step, 1 or more. Intervals are over them.
 * @property picturePx Width and height in pixels of the decoded image that end-to-end timing begins with.
 * @property seed Seed of the drawn orders, 0 to 2^32 - 1.
 * @property coolDown When the device is cool enough.
 */
@Serializable
public data class TimingPlan(
    @SerialName("schema_version") val schemaVersion: Int = SCHEMA_VERSION,
    val steps: List<TimingStep>,
    val rounds: Int = 50,
    @SerialName("warmup_rounds") val warmupRounds: Int = 5,
    val starts: Int = 5,
    @SerialName("picture_px") val picturePx: List<Int> = listOf(640, 480),
    val seed: Long = 0,
    @SerialName("cool_down") val coolDown: CoolDown = CoolDown(),
) {
    init {
        require(schemaVersion == SCHEMA_VERSION) { "schema_version is $schemaVersion, expected $SCHEMA_VERSION" }
        require(steps.isNotEmpty()) { "the plan has no steps" }
        require(steps.map { it.name }.toSet().size == steps.size) { "two steps of the plan are the same" }
        require(rounds >= 1) { "rounds is $rounds, expected 1 or more" }
        require(warmupRounds >= 0) { "warmup_rounds is $warmupRounds, expected 0 or more" }
        require(starts >= 1) { "starts is $starts, expected 1 or more" }
        require(picturePx.size == 2 && picturePx.all { it in 1..MOST_PX }) {
            "picture_px is $picturePx, expected a width and a height of 1 to $MOST_PX"
        }
        require(seed in 0..0xFFFFFFFFL) { "seed is $seed, expected 0 to 4294967295" }
    }

    /** The orders of all rounds, the warm-up first: each holds every index of [steps] once. */
    public fun orders(): List<IntArray> = DrawnOrder(seed).let { drawn -> List(warmupRounds + rounds) { drawn.next(steps.size) } }

    /**
     * What each process does, in the order in which they run: every step has a process before any step has its next one.
     *
     * The rounds are shared as `levit-mobile bench` shares them: as equally as they can be, and no process is without any.
     */
    public fun jobs(): List<ProcessJob> {
        val drawn = DrawnOrder(seed)
        val shares = (0 until starts).map { (rounds + it) / starts }.filter { it > 0 }
        return shares.flatMapIndexed { start, share ->
            drawn.next(steps.size).map { ProcessJob(steps[it], start, share, warmupRounds, picturePx, seed) }
        }
    }

    /** The plan as JSON. */
    public fun write(): String = STRICT.encodeToString(serializer(), this)

    /** The plan as JSON on one line, for a command line. */
    public fun writeLine(): String = ON_ONE_LINE.encodeToString(serializer(), this)

    public companion object {
        /** The version that is read and written. */
        public const val SCHEMA_VERSION: Int = 1

        private val ON_ONE_LINE = Json { encodeDefaults = true }
        private const val MOST_PX = 8192

        /**
         * Read a plan.
         *
         * @throws FormatException The text is not JSON, has an unknown `schema_version` or field, or a value out of its
         *   range.
         */
        public fun read(text: String): TimingPlan = readVersion("the timing plan", SCHEMA_VERSION, serializer(), text)
    }
}

/**
 * Orders by Fisher-Yates over a linear congruential generator, s = 1664525 s + 1013904223 mod 2^32, so that every
 * language draws the same ones.
 */
public class DrawnOrder(
    seed: Long,
) {
    private var state = seed

    /** The next order: each of 0 until [count] once. */
    public fun next(count: Int): IntArray {
        val places = IntArray(count) { it }
        for (last in count - 1 downTo 1) {
            state = (1664525 * state + 1013904223) and 0xFFFFFFFFL
            val other = ((state shr 8) % (last + 1)).toInt()
            places[last] = places[other].also { places[other] = places[last] }
        }
        return places
    }
}

/**
 * When a device is cool enough to be timed.
 *
 * @property warmest Hottest state of Android's thermal status that is accepted.
 * @property mostHeadroom Largest accepted headroom; 1.0 is where throttling becomes severe.
 * @property pollMs Time between two looks, in ms; Android answers about once a second.
 * @property longestMs Longest wait before a round, in ms.
 */
@Serializable
public data class CoolDown(
    val warmest: Thermal = Thermal.LIGHT,
    @SerialName("most_headroom") val mostHeadroom: Double = 0.85,
    @SerialName("poll_ms") val pollMs: Long = 10_000,
    @SerialName("longest_ms") val longestMs: Long = 300_000,
) {
    init {
        require(warmest in ORDER) { "warmest is $warmest, expected one of Android's states" }
        require(pollMs >= 1 && longestMs >= 0) { "poll_ms and longest_ms are $pollMs and $longestMs, expected times" }
    }

    /** Whether to go on, to wait, or to give up. */
    public sealed interface Decision {
        /** The device is cool enough, or its temperature is unknown. */
        public data object GoOn : Decision

        /** Look again after [ms]. */
        public data class Wait(
            val ms: Long,
        ) : Decision

        /** The device stayed too hot. */
        public data class GiveUp(
            val reason: String,
        ) : Decision
    }

    /**
     * Decide by what the device reports.
     *
     * @param thermal Thermal status; null when unknown.
     * @param headroom `getThermalHeadroom`; NaN or null when unknown.
     * @param waitedMs Time waited before this round so far, in ms.
     */
    public fun decide(
        thermal: Thermal?,
        headroom: Double?,
        waitedMs: Long,
    ): Decision {
        val hot = thermal != null && ORDER.indexOf(thermal) > ORDER.indexOf(warmest)
        val close = headroom != null && headroom > mostHeadroom
        if (!hot && !close) return Decision.GoOn
        if (waitedMs >= longestMs) {
            return Decision.GiveUp("the device stayed too hot for ${waitedMs / 1000} s (thermal $thermal, headroom $headroom)")
        }
        return Decision.Wait(minOf(pollMs, longestMs - waitedMs))
    }

    private companion object {
        val ORDER =
            listOf(
                Thermal.NONE,
                Thermal.LIGHT,
                Thermal.MODERATE,
                Thermal.SEVERE,
                Thermal.CRITICAL,
                Thermal.EMERGENCY,
                Thermal.SHUTDOWN,
            )
    }
}
