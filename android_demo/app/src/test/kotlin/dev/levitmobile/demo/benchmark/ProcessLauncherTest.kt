package dev.levitmobile.demo.benchmark

import android.app.Application
import android.app.ApplicationExitInfo
import android.content.ComponentName
import android.content.Intent
import android.os.Binder
import android.os.Handler
import android.os.IBinder
import android.os.Looper
import android.os.Message
import android.os.Messenger
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.support.SampleBundle
import dev.levitmobile.timing.Parity
import dev.levitmobile.timing.ProcessEnd
import dev.levitmobile.timing.ProcessJob
import dev.levitmobile.timing.ProcessPhase
import dev.levitmobile.timing.ProcessResult
import dev.levitmobile.timing.RunMarker
import dev.levitmobile.timing.TimingStep
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowActivityManager
import java.io.File
import java.util.concurrent.TimeUnit

/** The two sides of a benchmark's process. Both are in one process here, so its death is played by the binder. */
@RunWith(AndroidJUnit4::class)
class ProcessLauncherTest {
    @get:Rule
    val folder = TemporaryFolder()

    private val application = ApplicationProvider.getApplicationContext<Application>()
    private val job = ProcessJob(TimingStep(SampleBundle.NAME), 0, 2, 1, listOf(8, 6), 0)
    private val phases = mutableListOf<ProcessPhase>()
    private val service = ComponentName(application, BenchmarkService::class.java)

    private fun launched(binder: IBinder): ProcessEnd {
        shadowOf(application).setComponentNameAndServiceForBindService(service, binder)
        val launcher = ProcessLauncher(application, folder.root)
        var end: ProcessEnd? = null
        CoroutineScope(Dispatchers.Unconfined).launch { end = launcher.launch(job, SampleBundle.open().folder, phases::add) }
        repeat(TRIES) {
            end?.let { return it }
            shadowOf(Looper.getMainLooper()).idleFor(10, TimeUnit.MILLISECONDS)
            // The real service ends its process when it is unbound.
            if (shadowOf(application).unboundServiceConnections.isNotEmpty()) (binder as? DyingBinder)?.die()
            Thread.sleep(PAUSE_MS)
        }
        error("the launcher did not end")
    }

    /** A service that answers a job as the test says, on the main thread. */
    private fun answering(answer: (Message, DyingBinder) -> Unit): IBinder {
        val dying = DyingBinder()
        val messenger =
            Messenger(
                Handler(Looper.getMainLooper()) {
                    answer(it, dying)
                    true
                },
            )
        dying.inner = messenger.binder
        return dying
    }

    @Test
    fun aResultComesBackThroughItsFile() {
        val result = ProcessResult(Parity(Verdict.PROVEN), samplesMs = listOf(1.0, 2.0))
        val end =
            launched(
                answering { message, _ ->
                    assertEquals(job, ProcessJob.read(message.data.getString(BenchmarkService.JOB_TEXT).orEmpty()))
                    message.replyTo.send(Message.obtain(null, BenchmarkService.PHASE, ProcessPhase.TIMING.ordinal, 0))
                    File(message.data.getString(BenchmarkService.RESULT_FILE).orEmpty()).writeText(result.write())
                    message.replyTo.send(Message.obtain(null, BenchmarkService.RESULT))
                },
            )
        assertEquals(ProcessEnd.Finished(result), end)
    }

    @Test
    @Config(sdk = [26, 36])
    fun aProcessThatDiesIsNotRunWithTheReasonOfItsMarker() {
        val process = 4711
        if (android.os.Build.VERSION.SDK_INT >= android.os.Build.VERSION_CODES.R) {
            val exit =
                ShadowActivityManager.ApplicationExitInfoBuilder
                    .newBuilder()
                    .setPid(
                        process,
                    ).setReason(ApplicationExitInfo.REASON_CRASH_NATIVE)
                    .setStatus(11)
            shadowOf(application.getSystemService(android.app.ActivityManager::class.java)).addApplicationExitInfo(exit.build())
        }
        val end =
            launched(
                answering { message, binder ->
                    message.replyTo.send(Message.obtain(null, BenchmarkService.HELLO, process, 0))
                    RunMarker(folder.root).begin(job.step.name, ProcessPhase.LOADING.doing)
                    Handler(Looper.getMainLooper()).post(binder::die)
                },
            )
        val reason = (end as ProcessEnd.Died).reason
        assertTrue(reason, reason.startsWith("the process died while loading the artifact"))
        if (android.os.Build.VERSION.SDK_INT >= android.os.Build.VERSION_CODES.R) {
            assertTrue(reason, reason.contains("a crash in native code (signal 11)"))
        }
    }

    @Test
    fun aServiceThatDoesNotStartIsNotRun() {
        shadowOf(application).declareComponentUnbindable(service)
        val end = launched(Binder())
        assertEquals(ProcessEnd.Died("Android did not start the process of the benchmark"), end)
    }

    @Test
    fun theRealServiceDoesOneJobAndTakesNoSecondOne() {
        val started = Robolectric.buildService(BenchmarkService::class.java).create().get()
        var ended = 0
        started.end = { ended++ }
        val end = launched(DyingBinder().apply { inner = started.onBind(Intent()) })
        // The sample bundle's artifact is no artifact, so the verdict is not "proven", and nothing is timed.
        val result = (end as ProcessEnd.Finished).result
        assertTrue(result.toString(), result.notRun != null && result.samplesMs.isEmpty())
        assertTrue(
            folder.root
                .list()
                .orEmpty()
                .none { it == "running.txt" },
        )
        started.onUnbind(Intent())
        assertEquals(1, ended)
    }

    /** Forwards to a messenger, and dies when it is told to. */
    private class DyingBinder : Binder() {
        lateinit var inner: IBinder

        init {
            attachInterface(null, "android.os.IMessenger")
        }

        private val recipients = mutableListOf<IBinder.DeathRecipient>()

        override fun linkToDeath(
            recipient: IBinder.DeathRecipient,
            flags: Int,
        ) {
            recipients += recipient
        }

        override fun onTransact(
            code: Int,
            data: android.os.Parcel,
            reply: android.os.Parcel?,
            flags: Int,
        ): Boolean {
            data.setDataPosition(0)
            return inner.transact(code, data, reply, flags)
        }

        fun die() = recipients.forEach(IBinder.DeathRecipient::binderDied)
    }

    private companion object {
        const val TRIES = 1000
        const val PAUSE_MS = 5L
    }
}
