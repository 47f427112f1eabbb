package dev.levitmobile.timing

import dev.levitmobile.contract.Head
import dev.levitmobile.contract.Tolerance
import dev.levitmobile.contract.Verdict
import dev.levitmobile.parity.GoldenImage
import dev.levitmobile.parity.NotAvailableException
import org.junit.jupiter.api.Test
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class ProcessTimerTest {
    private var nowNs = 0L
    private val phases = mutableListOf<ProcessPhase>()
    private val steps = mutableListOf<String>()
    private val uses = ArrayDeque(listOf(MemoryUse(100), MemoryUse(180, 200, 150)))
    private val job = ProcessJob(TimingStep("a"), 0, rounds = 3, warmupRounds = 2, picturePx = listOf(8, 6), seed = 0)
    private val golden =
        listOf(GoldenImage("one", ByteArray(3), floatArrayOf(1f, 2f)), GoldenImage("two", ByteArray(3), floatArrayOf(3f, 1f)))
    private val timer = ProcessTimer({ nowNs }, { uses.removeFirst() }, phases::add)

    /** Writing takes 1 ms, the first run 7 ms and later ones 2 ms, and reading 3 ms. */
    private inner class Played(
        private val logits: List<FloatArray>,
    ) : TimedArtifact {
        override val classes = 2
        override val notes = listOf("a note")
        private var runs = 0
        var closed = false

        override fun write(pixels: ByteArray) = pass("write", 1)

        override fun run() = pass("run", if (runs++ == 0) 7 else 2)

        override fun read(logits: FloatArray) {
            pass("read", 3)
            this.logits[(runs - 2).coerceIn(0, 1)].copyInto(logits)
        }

        override fun close() {
            closed = true
        }
    }

    private fun pass(
        step: String,
        ms: Long,
    ) {
        steps += step
        nowNs += ms * 1_000_000
    }

    private fun work(images: List<GoldenImage> = golden) =
        ProcessWork(images, Tolerance(minSqnrDb = 20.0, minTop1Agreement = 1.0), Head.SOFTMAX) {
            pass("prepare", 5)
            ByteArray(3)
        }

    private fun run(artifact: TimedArtifact): ProcessResult =
        timer.run(job, work()) {
            pass("open", 11)
            artifact
        }

    @Test
    fun `each time has the boundaries of the record`() {
        val artifact = Played(golden.map { it.logits })
        val result = run(artifact)
        assertEquals(Verdict.PROVEN, result.parity.verdict)
        assertEquals(listOf(11.0, 7.0), listOf(result.loadMs, result.firstRunMs))
        assertEquals(listOf(2.0, 2.0, 2.0), result.samplesMs)
        assertEquals(listOf(5.0, 5.0, 5.0), result.preprocessMs)
        assertEquals(listOf(11.0, 11.0, 11.0), result.endToEndMs)
        assertEquals(listOf<Long?>(100, 200, 150), listOf(result.memoryBeforeBytes, result.peakMemoryBytes, result.pssBytes))
        assertEquals(listOf("a note"), result.notes)
        assertTrue(artifact.closed)
    }

    @Test
    fun `the golden images come before the first timed inference, and no resize between two of them`() {
        run(Played(golden.map { it.logits }))
        val check = listOf("write", "run", "read", "write", "run", "read")
        val rounds = listOf("write") + List(5) { "run" }
        val whole = List(3) { listOf("prepare", "write", "run", "read") }.flatten()
        assertEquals(listOf("open", "write", "run") + check + rounds + whole, steps)
        assertEquals(ProcessPhase.entries - ProcessPhase.STARTING, phases)
    }

    @Test
    fun `an artifact with wrong logits is broken and not timed`() {
        val artifact = Played(golden.map { it.logits }.reversed())
        val result = run(artifact)
        assertEquals(Verdict.BROKEN, result.parity.verdict)
        assertContains(result.notRun.orEmpty(), "the self-check failed, so nothing was timed: SQNR is ")
        assertEquals(emptyList(), result.samplesMs + result.endToEndMs + listOfNotNull(result.loadMs, result.firstRunMs))
        assertTrue(artifact.closed)
    }

    @Test
    fun `an accelerator that is missing is not run, and an artifact that does not load is broken`() {
        uses.addAll(List(2) { MemoryUse() })
        val missing = timer.run(job, work()) { throw NotAvailableException("there is no GPU") }
        assertEquals(Verdict.NOT_RUN to "there is no GPU", missing.parity.verdict to missing.notRun)
        val refused = timer.run(job, work()) { error("the file is cut short") }
        assertEquals(Verdict.BROKEN to "the artifact could not run: the file is cut short", refused.parity.verdict to refused.notRun)
    }

    @Test
    fun `a bundle without golden images is not timed`() {
        val result = timer.run(job, work(emptyList())) { Played(golden.map { it.logits }) }
        assertEquals("the bundle holds no golden images", result.notRun)
    }

    @Test
    fun `a job and a result survive JSON`() {
        val result = run(Played(golden.map { it.logits }))
        assertEquals(result, ProcessResult.read(result.write()))
        assertEquals(job, ProcessJob.read(job.write()))
    }
}
