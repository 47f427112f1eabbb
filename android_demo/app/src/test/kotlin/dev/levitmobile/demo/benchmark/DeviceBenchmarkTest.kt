package dev.levitmobile.demo.benchmark

import android.content.Context
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.support.SampleBundle
import dev.levitmobile.device.AndroidDevice
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.timing.Parity
import dev.levitmobile.timing.ProcessEnd
import dev.levitmobile.timing.ProcessJob
import dev.levitmobile.timing.ProcessPhase
import dev.levitmobile.timing.ProcessResult
import dev.levitmobile.timing.RecordFolder
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingRecord
import dev.levitmobile.timing.TimingStep
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.awaitCancellation
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import java.io.File
import java.time.Instant

@RunWith(AndroidJUnit4::class)
class DeviceBenchmarkTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val context = ApplicationProvider.getApplicationContext<Context>()
    private val step = TimingStep(SampleBundle.NAME)
    private val gpu = TimingStep(SampleBundle.NAME, Accelerator.GPU)
    private val plan = TimingPlan(steps = listOf(step, gpu), rounds = 4, starts = 2)
    private val launched = mutableListOf<ProcessJob>()
    private var released = 0
    private var free: Long = Long.MAX_VALUE

    private fun proven(job: ProcessJob) =
        ProcessEnd.Finished(
            ProcessResult(
                parity = Parity(Verdict.PROVEN),
                loadMs = 5.0,
                firstRunMs = 3.0,
                samplesMs = List(job.rounds) { 1.0 },
                endToEndMs = List(job.rounds) { 2.0 },
            ),
        )

    /** It runs on the test's own thread, so that a test reads what a run has left. */
    private fun benchmark(
        records: File = File(folder.root, "timings"),
        end: suspend (ProcessJob) -> ProcessEnd = ::proven,
    ) = DeviceBenchmark(
        device = { AndroidDevice(context, folder.root, folder.root) },
        bundles =
            BundleAccess(
                { if (it == SampleBundle.NAME) SampleBundle.open() else throw NoSuchElementException("the app has no bundle $it") },
                { released++ },
            ),
        launch = { job, _, phase ->
            launched += job
            phase(ProcessPhase.TIMING)
            end(job)
        },
        records = { RecordFolder(listOf(records)) { free } },
        scope = CoroutineScope(SupervisorJob() + Dispatchers.Unconfined),
        now = { Instant.parse("2026-01-31T12:00:00Z") },
    )

    private fun lines() = File(folder.root, "timings/progress.jsonl").readLines()

    @Test
    fun aPlanBecomesATableAndARecord() {
        val benchmark = benchmark()
        benchmark.start(plan, "mine")
        val rows = (benchmark.progress.value as ScreenState.Result).value
        assertEquals(listOf(Outcome.TIMED, Outcome.TIMED), rows.rows.map { it.outcome })
        val record = TimingRecord.read(File(folder.root, "timings/mine.json").readText())
        assertEquals(File(folder.root, "timings/mine.json"), rows.record)
        assertEquals(listOf("${SampleBundle.NAME}-cpu1", "${SampleBundle.NAME}-gpu"), record.timings.map { it.name })
        assertEquals(SampleBundle.contract().artifact.sha256, record.timings[0].sha256)
        assertEquals(listOf(2, 2), record.timings[0].processSamples)
        assertNull(record.incomplete)
        assertTrue(
            record.command.startsWith(
                "am start -n ${context.packageName}/dev.levitmobile.demo.MainActivity --es plan '{\"schema_version\":1,",
            ),
        )
        assertEquals(1, released)
    }

    @Test
    fun aComputerCanFollowByLines() {
        benchmark().start(plan, "mine")
        val events = lines().map { it.substringAfter("\"event\":\"").substringBefore('"') }
        assertEquals("started", events.first())
        assertEquals("finished", events.last())
        assertEquals(5, events.count { it == "measured" }) // after each process, and at the end
        assertTrue(lines().all { "\"run\":\"mine\"" in it })
        assertTrue(lines().last().contains("timings/mine.json"))
    }

    @Test
    fun aRecordWithoutANameHasTheTime() {
        benchmark().start(plan, null)
        assertTrue(File(folder.root, "timings/run-20260131-120000.json").isFile)
    }

    @Test
    fun aProcessThatDiesIsARowThatWasNotRun() {
        val benchmark = benchmark { if (it.step == gpu) ProcessEnd.Died("the process died while loading the artifact") else proven(it) }
        benchmark.start(plan, "mine")
        val rows = (benchmark.progress.value as ScreenState.Result).value.rows
        assertEquals(listOf(Outcome.TIMED, Outcome.NOT_RUN), rows.map { it.outcome })
        assertEquals(listOf("the process died while loading the artifact"), rows[1].reasons)
    }

    @Test
    fun cancellingEndsTheProcessAndKeepsWhatWasMeasured() {
        val benchmark = benchmark { if (launched.size == 2) awaitCancellation() else proven(it) }
        benchmark.start(plan, "mine")
        val running = benchmark.progress.value as ScreenState.Running
        assertEquals(2 to 8, running.done to running.total)
        assertEquals(BenchmarkPhase.TIMING, benchmark.moment.value.phase)
        benchmark.start(plan, "other") // one runs already
        benchmark.cancel()
        assertEquals(ScreenState.Ready, benchmark.progress.value)
        assertEquals("the run was cancelled", TimingRecord.read(File(folder.root, "timings/mine.json").readText()).incomplete)
        assertTrue(lines().last().contains("\"cancelled\""))
        assertEquals(2, launched.size)
        benchmark.start(plan, "other")
        val other = (benchmark.progress.value as ScreenState.Result).value
        assertEquals("other.json", other.record?.name)
    }

    @Test
    fun aFullDiskIsAReason() {
        val blocked = File(folder.root, "timings").apply { mkdirs() }
        free = 0
        val benchmark = benchmark(File(blocked, "progress.jsonl").apply { writeText("") })
        benchmark.start(plan, "mine")
        assertEquals(Code.DISK_FULL, (benchmark.progress.value as ScreenState.Failed).reason.code)
    }

    @Test
    fun aBundleThatIsNotThereIsAReason() {
        val benchmark = benchmark()
        benchmark.start(TimingPlan(steps = listOf(TimingStep("mine"))), "mine")
        val reason = (benchmark.progress.value as ScreenState.Failed).reason
        assertEquals(Code.NO_BUNDLE to "the app has no bundle mine", reason.code to reason.detail)
        assertTrue(lines().last().contains("the app has no bundle mine"))
        benchmark.clear()
        assertEquals(ScreenState.Ready, benchmark.progress.value)
    }
}
