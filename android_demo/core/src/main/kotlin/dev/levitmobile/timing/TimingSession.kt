package dev.levitmobile.timing

import java.util.concurrent.CancellationException

/**
 * What a session does at one moment.
 *
 * @property job The process that runs, or that waits for the device to cool.
 * @property phase What the process does.
 * @property coolingMs Time waited for the device to cool before this process, in ms; null unless it waits.
 * @property thermal Thermal status of the device while it waits; null when unknown.
 * @property doneRounds Kept rounds of all steps that are done.
 * @property totalRounds All of them.
 */
public data class SessionMoment(
    val job: ProcessJob,
    val phase: ProcessPhase,
    val coolingMs: Long?,
    val thermal: Thermal?,
    val doneRounds: Int,
    val totalRounds: Int,
)

/**
 * What a session has measured so far.
 *
 * @property before State of the device before the first process.
 * @property during States of the device after each process but the last one.
 * @property after State of the device at the end, or now.
 * @property coolingMs Time waited for the device to cool in all, in ms.
 * @property ends How each step's processes ended, in order; a step that was not reached has none.
 * @property incomplete Why it ended early; null if all rounds ran.
 */
public data class SessionState(
    val before: Conditions,
    val during: List<Conditions>,
    val after: Conditions,
    val coolingMs: Long,
    val ends: Map<TimingStep, List<ProcessEnd>>,
    val incomplete: String?,
)

/**
 * Runs a plan with fresh processes: each belongs to one step, an artifact on an accelerator, and to nothing else.
 *
 * A driver of one step can so neither slow nor end a different one, and loading is measured in a process that has loaded
 * nothing before. The price is that single inferences of the steps are not interleaved. Instead, the processes are: each
 * step has [TimingPlan.starts] of them, every step runs one before any step runs its next, and their order is drawn. A
 * record of it has `interleaved` false, and `process_samples` counts the samples of each process.
 *
 * A step is not started again after its process died or its self-check failed.
 *
 * @param launch Runs a job in a fresh process and waits for its end; its second argument is called at each phase.
 *   Cancelling it ends the process.
 * @param conditions State of the device now.
 * @param heat Thermal status and headroom of the device now; null for what is unknown.
 * @param pause Waits for a time in ms, such as `kotlinx.coroutines.delay`.
 * @param save Called with what was measured after each process and at the end, so that nothing is lost; whatever it
 *   throws ends the session.
 * @param listen Called at each moment.
 */
public class TimingSession(
    private val launch: suspend (ProcessJob, (ProcessPhase) -> Unit) -> ProcessEnd,
    private val conditions: () -> Conditions,
    private val heat: () -> Pair<Thermal?, Double?>,
    private val pause: suspend (Long) -> Unit,
    private val save: (SessionState) -> Unit,
    private val listen: (SessionMoment) -> Unit = {},
) {
    /** Run a plan; cancellable. What was measured until then has been saved. */
    public suspend fun run(plan: TimingPlan): SessionState {
        val course = Course(plan)
        var stopped: String? = NOT_FINISHED
        try {
            stopped = course.run()
        } catch (cancelled: CancellationException) {
            stopped = CANCELLED
            if (course.ends.isNotEmpty()) save(course.state(CANCELLED))
            throw cancelled
        }
        return course.state(stopped).also(save)
    }

    private inner class Course(
        private val plan: TimingPlan,
    ) {
        val ends = LinkedHashMap<TimingStep, MutableList<ProcessEnd>>()
        private val gate = CoolDownGate(plan.coolDown, heat, pause)
        private val jobs = plan.jobs()
        private val before = conditions()
        private val looks = ArrayList<Conditions>()
        private var done = 0

        /** Why it ended early; null if all rounds ran. */
        suspend fun run(): String? {
            for (job in jobs) {
                if (isOver(job.step)) {
                    done += job.rounds
                    continue
                }
                val hot = gate.pass { waitedMs, thermal -> tell(job, ProcessPhase.STARTING, waitedMs, thermal) }
                if (hot != null) return hot
                tell(job, ProcessPhase.STARTING)
                val end = launch(job) { phase -> tell(job, phase) }
                ends.getOrPut(job.step) { ArrayList() }.add(end)
                done += job.rounds
                looks += conditions()
                save(state(NOT_FINISHED))
            }
            return null
        }

        private fun isOver(step: TimingStep): Boolean {
            val last = ends[step]?.last() ?: return false
            return last is ProcessEnd.Died || (last is ProcessEnd.Finished && last.result.notRun != null)
        }

        private fun tell(
            job: ProcessJob,
            phase: ProcessPhase,
            coolingMs: Long? = null,
            thermal: Thermal? = null,
        ) {
            listen(SessionMoment(job, phase, coolingMs, thermal, done, jobs.sumOf { it.rounds }))
        }

        fun state(incomplete: String?): SessionState {
            val copies = ends.mapValues { it.value.toList() }
            return SessionState(before, looks.dropLast(1), looks.lastOrNull() ?: before, gate.waitedMs, copies, incomplete)
        }
    }

    private companion object {
        const val NOT_FINISHED = "the app has not finished the run, or was ended in the middle of it"
        const val CANCELLED = "the run was cancelled"
    }
}
