package dev.levitmobile.demo.benchmark

import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.support.SampleBundle
import dev.levitmobile.demo.support.Samples
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.timing.Parity
import dev.levitmobile.timing.Timing
import dev.levitmobile.timing.TimingStep
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

/** Runs without Android. */
class BenchmarkRowsTest {
    @Test
    fun `timed rows come first, fastest first, with their ratios`() {
        val rows = BenchmarkRows.sorted(listOf(broken, slow, notRun, fast).map(BenchmarkRow::of))
        assertEquals(listOf("fast", "slow", "broken", "not run"), rows.map { it.name })
        assertEquals(listOf(1.0, 2.5, null, null), rows.map { it.ratio })
    }

    @Test
    fun `a step that failed its self-check is broken and has no times`() {
        val row = BenchmarkRow.of(broken)
        assertEquals(Outcome.BROKEN, row.outcome)
        assertEquals(listOf("the self-check failed", "SQNR is 3 dB"), row.reasons)
        assertNull(row.inference)
    }

    @Test
    fun `a step that the device cannot run is not broken`() = assertEquals(Outcome.NOT_RUN, BenchmarkRow.of(notRun).outcome)

    @Test
    fun `every number comes from the record`() {
        val row = BenchmarkRow.of(fast)
        assertEquals(listOf(9.0, 5.0, 12.0), listOf(row.loadMs, row.firstRunMs, row.endToEnd?.medianMs))
        assertEquals(300L, row.peakMemoryBytes)
    }

    @Test
    fun `threads multiply the steps of the CPU alone, and ExecuTorch has no GPU`() {
        val names = Samples.entries.map { it.name }.toSet()
        val steps = BenchmarkChoices(names, Accelerator.entries.toSet(), setOf(4, 1)).steps(Samples.entries)
        val expected =
            listOf(
                TimingStep(SampleBundle.NAME, Accelerator.CPU, 1),
                TimingStep(SampleBundle.NAME, Accelerator.CPU, 4),
                TimingStep(SampleBundle.NAME, Accelerator.GPU),
                TimingStep(SampleBundle.OTHER, Accelerator.CPU, 1),
                TimingStep(SampleBundle.OTHER, Accelerator.CPU, 4),
            )
        assertEquals(expected, steps)
    }

    @Test
    fun `nothing chosen is no plan`() {
        assertNull(BenchmarkChoices().plan(Samples.entries))
        assertNull(BenchmarkChoices(setOf(SampleBundle.OTHER), setOf(Accelerator.GPU)).plan(Samples.entries))
        assertNull(BenchmarkChoices(setOf(SampleBundle.NAME), threads = emptySet()).plan(Samples.entries))
    }

    private val fast =
        timing("fast", samplesMs = listOf(2.0, 2.0)).copy(
            loadMs = listOf(9.0),
            firstRunMs = listOf(5.0),
            endToEndSamplesMs = listOf(12.0),
            peakMemoryBytes = listOf(200, 300),
        )
    private val slow = timing("slow", samplesMs = listOf(5.0))
    private val broken =
        timing("broken", notRun = "the self-check failed").copy(parity = Parity(Verdict.BROKEN, listOf("SQNR is 3 dB")))
    private val notRun = timing("not run", notRun = "no GPU").copy(parity = Parity(Verdict.NOT_RUN, listOf("no GPU")))

    private fun timing(
        name: String,
        samplesMs: List<Double> = emptyList(),
        notRun: String? = null,
    ) = Timing(
        name = name,
        file = "model.tflite",
        sha256 = "0".repeat(64),
        bytes = 1,
        target = "tflite",
        runtime = "LiteRT",
        runtimeVersion = "2.3.0",
        accelerator = "xnnpack",
        threads = 1,
        parity = Parity(Verdict.PROVEN),
        samplesMs = samplesMs,
        notRun = notRun,
    )
}
