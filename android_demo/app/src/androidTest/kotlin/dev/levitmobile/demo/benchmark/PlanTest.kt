package dev.levitmobile.demo.benchmark

import android.app.Activity
import android.app.Application
import android.os.Bundle
import android.os.SystemClock
import androidx.test.core.app.ActivityScenario
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import dev.levitmobile.AssetBundles
import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.GraphOwner
import dev.levitmobile.demo.MainActivity
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingRecord
import dev.levitmobile.timing.TimingStep
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import java.io.File

/**
 * Runs a timing plan on the device, in the app's own processes, and leaves the record in the app's folder `timings`.
 *
 * The argument `plan` is a timing plan as JSON; without it, every bundle of the app runs ten rounds on the CPU. The test
 * fails where an artifact is broken on the device. Farms that run instrumentation APKs pull the folder.
 */
@RunWith(AndroidJUnit4::class)
class PlanTest {
    private val graph = (ApplicationProvider.getApplicationContext<Application>() as GraphOwner).graph

    private fun plan(): TimingPlan {
        InstrumentationRegistry.getArguments().getString("plan")?.let { return TimingPlan.read(it) }
        val bundles = AssetBundles(ApplicationProvider.getApplicationContext()).indexBlocking().bundles
        assumeTrue("the app has no bundle: run levit-mobile deploy first", bundles.isNotEmpty())
        return TimingPlan(steps = bundles.map { TimingStep(it.name) }, rounds = 10, starts = 2)
    }

    @Test
    fun everyStepIsProvenAndTimed() {
        val plan = plan()
        ActivityScenario.launch(MainActivity::class.java).use {
            graph.benchmark.start(plan, "instrumented")
            waitForTheEnd()
        }
        val rows = (graph.benchmark.progress.value as ScreenState.Result).value
        val record = checkNotNull(rows.record)
        report(record)
        val timings = TimingRecord.read(record.readText()).timings
        val broken = timings.filter { it.parity.verdict == Verdict.BROKEN }
        assertEquals(emptyList<String>(), broken.map { "${it.name}: ${it.notRun}" })
        assertTrue(timings.filter { it.notRun == null }.all { it.samplesMs.size == plan.rounds })
    }

    private fun waitForTheEnd() {
        val untilMs = SystemClock.elapsedRealtime() + LONGEST_MS
        while (graph.benchmark.progress.value is ScreenState.Running) {
            check(SystemClock.elapsedRealtime() < untilMs) { "the plan did not end within ${LONGEST_MS / 60_000} minutes" }
            SystemClock.sleep(POLL_MS)
        }
    }

    /** A line of `am instrument` with the record's path. */
    private fun report(record: File) {
        val line = Bundle().apply { putString("record", record.path) }
        InstrumentationRegistry.getInstrumentation().sendStatus(Activity.RESULT_FIRST_USER, line)
    }

    private companion object {
        const val LONGEST_MS = 30L * 60_000
        const val POLL_MS = 500L
    }
}
