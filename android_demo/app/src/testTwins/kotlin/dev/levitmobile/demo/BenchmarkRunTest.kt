package dev.levitmobile.demo

import android.app.ActivityManager.RunningAppProcessInfo
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.demo.benchmark.BenchmarkRows
import dev.levitmobile.demo.benchmark.BundleAccess
import dev.levitmobile.demo.benchmark.DeviceBenchmark
import dev.levitmobile.demo.benchmark.JobRunner
import dev.levitmobile.demo.benchmark.Outcome
import dev.levitmobile.demo.support.App
import dev.levitmobile.demo.support.ComposeRule
import dev.levitmobile.demo.support.DeployedBundles
import dev.levitmobile.demo.support.Pixels
import dev.levitmobile.demo.support.Screen
import dev.levitmobile.demo.support.TestApplication
import dev.levitmobile.demo.support.testGraph
import dev.levitmobile.device.AndroidDevice
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.timing.ProcessEnd
import dev.levitmobile.timing.RecordFolder
import dev.levitmobile.timing.TimingPlan
import dev.levitmobile.timing.TimingStep
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode
import java.io.File

/** A benchmark of real artifacts from the plan to the table on the screen; the processes' work is done in this one. */
@RunWith(AndroidJUnit4::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
@Config(application = TestApplication::class, qualifiers = PHONE)
class BenchmarkRunTest {
    @get:Rule
    val compose = ComposeRule()

    @get:Rule
    val temporary = TemporaryFolder()

    @Test
    fun `artifacts of both runtimes are timed, and a missing GPU is a row`() {
        assumeTrue("the bundles were not made", DeployedBundles.folder != null)
        val result = measured()
        assertEquals(STEPS.map { it.name }.toSet(), result.rows.map { it.name }.toSet())
        val timed = result.rows.filter { it.outcome == Outcome.TIMED }
        assertEquals(STEPS.filter { it.accelerator == Accelerator.CPU }.map { it.name }.toSet(), timed.map { it.name }.toSet())
        for (row in timed) assertTrue(row.name, checkNotNull(row.endToEnd).medianMs > checkNotNull(row.inference).medianMs)
        assertEquals(Outcome.NOT_RUN, result.rows.single { it !in timed }.outcome)
        testGraph.benchmark.progress.value = ScreenState.Result(result)
        show(picture = "readme-benchmark")
        RuntimeEnvironment.setQualifiers("+night")
        show(picture = "readme-benchmark-dark")
    }

    private fun show(picture: String) =
        App.start().use { app ->
            open(Tab.BENCHMARK)
            for (step in STEPS) Screen.awaitTagged("row-${step.name}")
            Pixels.of(app.activity).save(picture)
        }

    private fun measured(): BenchmarkRows {
        val device = AndroidDevice(testGraph.context)
        val runner = JobRunner(device, { RunningAppProcessInfo.IMPORTANCE_FOREGROUND }, {})
        val benchmark =
            DeviceBenchmark(
                device = { device },
                bundles = BundleAccess({ Bundle.open(File(checkNotNull(DeployedBundles.folder), it)) }),
                launch = { job, bundle, _ -> ProcessEnd.Finished(runner.run(job, bundle.folder)) },
                records = { RecordFolder(listOf(temporary.root)) },
                scope = CoroutineScope(SupervisorJob() + Dispatchers.Unconfined),
            )
        benchmark.start(TimingPlan(steps = STEPS, rounds = 10, starts = 2), "run")
        return (benchmark.progress.value as ScreenState.Result).value
    }

    private companion object {
        const val LITERT = "levit_128s-tflite-fp32"
        val STEPS =
            listOf(
                TimingStep(LITERT),
                TimingStep("levit_128s-tflite-int8"),
                TimingStep("levit_128s-executorch-fp32"),
                TimingStep(LITERT, Accelerator.GPU),
            )
    }
}
