package dev.levitmobile.timing

import dev.levitmobile.TestData
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.Verdict
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Test
import java.io.IOException
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull
import kotlin.test.assertTrue

class TimingSessionTest {
    private val cpu = TimingStep("a")
    private val gpu = TimingStep("a", Accelerator.GPU)
    private val other = TimingStep("b", threads = 2)
    private val plan = TimingPlan(steps = listOf(cpu, gpu, other), rounds = 7, warmupRounds = 1, starts = 3)
    private val launched = mutableListOf<ProcessJob>()
    private val saved = mutableListOf<SessionState>()
    private val moments = mutableListOf<SessionMoment>()
    private val waits = mutableListOf<Long>()
    private var heat: () -> Pair<Thermal?, Double?> = { Thermal.NONE to 0.5 }
    private var battery = 80.0

    private fun proven(job: ProcessJob) =
        ProcessResult(
            Parity(Verdict.PROVEN),
            loadMs = 9.0,
            firstRunMs = 8.0,
            pssBytes = 5,
            samplesMs = List(job.rounds) { 1.0 + job.start },
            endToEndMs = List(job.rounds) { 4.0 },
            preprocessMs = List(job.rounds) { 2.0 },
            notes = listOf("a note"),
        )

    private fun session(
        save: (SessionState) -> Unit = { saved += it },
        end: suspend (ProcessJob) -> ProcessEnd = { ProcessEnd.Finished(proven(it)) },
    ) = TimingSession(
        launch = { job, phase ->
            launched += job
            phase(ProcessPhase.TIMING)
            end(job)
        },
        conditions = { Conditions(batteryPercent = battery--) },
        heat = { heat() },
        pause = { waits += it },
        save = save,
        listen = { moments += it },
    )

    private fun run(session: TimingSession): SessionState = runBlocking { session.run(plan) }

    private fun record(state: SessionState): TimingRecord {
        val contract = ContractJson.read(TestData.text("contracts/complete.json"))
        val facts = ArtifactFacts(contract, "ab".repeat(32), "2.3.0")
        val device = Device(Platform.ANDROID, "Phone", "chip", "Android", "16", "build", 8)
        val app = App("dev.levitmobile.demo", "1.0", debuggable = false)
        val maker = RecordMaker(plan, app, device, "2026-01-31T12:00:00Z", mapOf("a" to facts, "b" to facts))
        return maker.record(state).also { assertEquals(it, TimingRecord.read(it.write())) }
    }

    @Test
    fun `the processes of the steps take turns in drawn orders and share the rounds`() {
        run(session())
        val turns = launched.chunked(3)
        assertEquals(listOf(2, 2, 3), turns.map { it[0].rounds })
        for ((start, turn) in turns.withIndex()) {
            assertEquals(plan.steps.toSet(), turn.map { it.step }.toSet())
            assertEquals(setOf(start), turn.map { it.start }.toSet())
        }
        assertTrue(turns.map { turn -> turn.map { it.step } }.toSet().size > 1)
        assertEquals(2, plan.copy(rounds = 2, starts = 5).jobs().size / 3)
    }

    @Test
    fun `a record has the samples of every process in order`() {
        val record = record(run(session()))
        assertNull(record.incomplete)
        assertEquals(false, record.interleaved)
        assertEquals(listOf("a-cpu1", "a-gpu", "b-cpu2"), record.timings.map { it.name })
        val timing = record.timings[1]
        assertEquals(listOf(2, 2, 3), timing.processSamples)
        assertEquals(listOf(1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0), timing.samplesMs)
        assertEquals(
            listOf(
                3,
                3,
                3,
                7,
                7,
            ),
            listOf(timing.loadMs, timing.firstRunMs, timing.pssBytes, timing.endToEndSamplesMs, timing.preprocessSamplesMs).map {
                it.size
            },
        )
        assertEquals(
            listOf("gpu", "tflite", "LiteRT", "2.3.0"),
            listOf(timing.accelerator, timing.target, timing.runtime, timing.runtimeVersion),
        )
        assertEquals(listOf("a note"), timing.notes)
        assertEquals(listOf(640, 480), timing.picturePx)
    }

    @Test
    fun `conditions are recorded before, between and after, a low battery included`() {
        battery = 25.0
        val record = record(run(session()))
        assertEquals(25.0, record.before.batteryPercent)
        assertEquals((24 downTo 17).map { it.toDouble() }, record.during.map { it.batteryPercent })
        assertEquals(16.0, record.after.batteryPercent)
    }

    @Test
    fun `a step whose process dies is not run, is not started again, and the others go on`() {
        val state =
            run(
                session {
                    if (it.step ==
                        gpu
                    ) {
                        ProcessEnd.Died("the process died while loading the artifact")
                    } else {
                        ProcessEnd.Finished(proven(it))
                    }
                },
            )
        assertEquals(1, launched.count { it.step == gpu })
        val (first, dead, last) = record(state).timings
        assertEquals("the process died while loading the artifact", dead.notRun)
        assertEquals(Verdict.NOT_RUN to emptyList(), dead.parity.verdict to dead.samplesMs)
        assertEquals(listOf(7, 7), listOf(first, last).map { it.samplesMs.size })
        assertNull(state.incomplete)
    }

    @Test
    fun `a step that dies later keeps its samples and states the death`() {
        val died = ProcessEnd.Died("the process died while warming up")
        val timing = record(run(session { if (it.step == gpu && it.start == 1) died else ProcessEnd.Finished(proven(it)) })).timings[1]
        assertEquals(listOf(2), timing.processSamples)
        assertEquals("after 1 finished processes one did not finish: the process died while warming up", timing.notes.last())
    }

    @Test
    fun `a step whose self-check fails in any process is red and has no times`() {
        val broken = ProcessResult(Parity(Verdict.BROKEN, listOf("SQNR is 3.0 dB")), notRun = "the self-check failed")
        val timing = record(run(session { ProcessEnd.Finished(if (it.step == cpu && it.start == 1) broken else proven(it)) })).timings[0]
        assertEquals(Verdict.BROKEN to "the self-check failed", timing.parity.verdict to timing.notRun)
        assertEquals(emptyList(), timing.samplesMs + timing.loadMs)
        assertEquals(2, launched.count { it.step == cpu })
    }

    @Test
    fun `a hot device is waited for, and one that stays hot ends the run with what was measured`() {
        var looks = 0
        heat = { (if (looks++ in 1..2 || looks > 6) Thermal.SEVERE else Thermal.NONE) to null }
        val hot = plan.copy(coolDown = CoolDown(pollMs = 10, longestMs = 30))
        val state = runBlocking { session().run(hot) }
        assertEquals(listOf(10L, 10L, 10L, 10L, 10L), waits)
        assertEquals(4, launched.size)
        val record = record(state)
        assertContains(record.incomplete.orEmpty(), "too hot")
        assertEquals(0.05, record.coolingS)
        assertEquals(listOf(0L, 10L, 0L, 10L, 20L), moments.mapNotNull { it.coolingMs })
    }

    @Test
    fun `what was measured is saved after each process, as incomplete until the end`() {
        run(session())
        assertEquals((1..9).toList() + 9, saved.map { state -> state.ends.values.sumOf { it.size } })
        assertTrue(saved.dropLast(1).all { it.incomplete != null })
        val first = record(saved[0])
        assertEquals(2, first.timings.count { it.notRun == first.incomplete })
    }

    @Test
    fun `a cancelled run ends its process and saves what it has`() {
        runBlocking {
            lateinit var job: Job
            val session = session { if (launched.size == 3) awaitCancellation() else ProcessEnd.Finished(proven(it)) }
            job =
                launch { session.run(plan) }
            while (launched.size < 3) kotlinx.coroutines.yield()
            job.cancel()
            job.join()
        }
        assertEquals("the run was cancelled", saved.last().incomplete)
        assertEquals(2, saved.last().ends.size)
    }

    @Test
    fun `a run that is cancelled before its first result saves nothing`() {
        runBlocking {
            val job = launch { session { awaitCancellation() }.run(plan) }
            while (launched.isEmpty()) kotlinx.coroutines.yield()
            job.cancel()
            job.join()
        }
        assertEquals(emptyList(), saved)
    }

    @Test
    fun `a record that cannot be saved ends the run`() {
        val full = session(save = { throw IOException("no room") })
        assertFailsWith<IOException> { run(full) }
        assertEquals(1, launched.size)
    }

    @Test
    fun `rounds are counted, also those of a step that is left out`() {
        run(session { if (it.step == gpu) ProcessEnd.Died("it died") else ProcessEnd.Finished(proven(it)) })
        assertEquals(21, moments.last().totalRounds)
        assertTrue(moments.zipWithNext().all { (one, next) -> one.doneRounds <= next.doneRounds })
        assertEquals(setOf(ProcessPhase.STARTING, ProcessPhase.TIMING), moments.map { it.phase }.toSet())
    }
}
