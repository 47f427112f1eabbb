package dev.levitmobile.demo.benchmark

import android.app.ActivityManager
import android.app.ActivityManager.RunningAppProcessInfo
import android.app.Service
import android.content.Intent
import android.os.Bundle
import android.os.Handler
import android.os.IBinder
import android.os.Looper
import android.os.Message
import android.os.Messenger
import android.os.Process
import android.os.RemoteException
import dev.levitmobile.contract.Verdict
import dev.levitmobile.device.AndroidDevice
import dev.levitmobile.runner.Runners
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.UnsupportedBundleException
import dev.levitmobile.timing.ProcessJob
import dev.levitmobile.timing.ProcessPhase
import dev.levitmobile.timing.ProcessResult
import dev.levitmobile.timing.ProcessTimer
import dev.levitmobile.timing.RunMarker
import java.io.File
import java.io.IOException
import kotlin.concurrent.thread
import dev.levitmobile.store.Bundle as StoredBundle

/**
 * One process of a benchmark: it times one artifact on one accelerator, once, and ends.
 *
 * It has a process of its own, `:bench`. [ProcessLauncher] binds it, sends a job and unbinds it; the process then ends
 * itself, so that the next job finds a fresh one. A second job is refused. The process is as important to Android as the
 * screen that has bound it, and becomes less so when the user leaves the app; the result then has a note.
 */
class BenchmarkService : Service() {
    private val messenger = Messenger(Handler(Looper.getMainLooper(), ::receive))
    private var used = false

    override fun onBind(intent: Intent?): IBinder = messenger.binder

    override fun onUnbind(intent: Intent?): Boolean {
        end()
        return false
    }

    /** End this process. Tests have one process only and replace it. */
    internal var end: () -> Unit = { Process.killProcess(Process.myPid()) }

    private fun receive(message: Message): Boolean {
        if (message.what != JOB || used) return false
        used = true
        val stated = message.data
        val listener = message.replyTo
        send(listener, HELLO, Process.myPid())
        thread(name = "benchmark") { work(stated, listener) }
        return true
    }

    private fun work(
        stated: Bundle,
        listener: Messenger,
    ) {
        val job = ProcessJob.read(stated.getString(JOB_TEXT).orEmpty())
        val marker = RunMarker(File(stated.getString(MARKERS).orEmpty()))
        val result =
            JobRunner(AndroidDevice(this), ::importance) { phase ->
                marker.begin(job.step.name, phase.doing)
                send(listener, PHASE, phase.ordinal)
            }.run(job, File(stated.getString(FOLDER).orEmpty()))
        try {
            File(stated.getString(RESULT_FILE).orEmpty()).writeText(result.write())
        } catch (error: IOException) {
            marker.begin(job.step.name, "writing its result, which failed: ${error.message}")
            return end()
        }
        marker.end()
        send(listener, RESULT)
    }

    private fun importance(): Int = RunningAppProcessInfo().also(ActivityManager::getMyMemoryState).importance

    private fun send(
        listener: Messenger,
        what: Int,
        number: Int = 0,
    ) {
        try {
            listener.send(Message.obtain(null, what, number, 0))
        } catch (_: RemoteException) {
            end() // nobody waits for the result any more
        }
    }

    internal companion object {
        /** The message that brings a job. */
        const val JOB = 1

        /** Answers: the process's number, a phase's number, and that the result's file is written. */
        const val HELLO = 2
        const val PHASE = 3
        const val RESULT = 4

        /** Keys of a job's message. */
        const val JOB_TEXT = "job"
        const val FOLDER = "folder"
        const val MARKERS = "markers"
        const val RESULT_FILE = "result"
    }
}

/**
 * Does a job in this process.
 *
 * @param device The device.
 * @param importance How important Android takes this process to be, as `RunningAppProcessInfo` has it.
 * @param phase Called when a phase begins.
 */
internal class JobRunner(
    private val device: AndroidDevice,
    private val importance: () -> Int,
    private val phase: (ProcessPhase) -> Unit,
) {
    fun run(
        job: ProcessJob,
        folder: File,
    ): ProcessResult {
        val (bundle, work) =
            try {
                StoredBundle.open(folder).let { it to workOf(it, job) }
            } catch (error: UnsupportedBundleException) {
                return ProcessResult.untimed(Verdict.NOT_RUN, error.message.orEmpty())
            } catch (error: DamagedBundleException) {
                return ProcessResult.untimed(Verdict.BROKEN, error.message.orEmpty())
            } catch (error: IllegalArgumentException) {
                return ProcessResult.untimed(Verdict.BROKEN, "the contract contradicts itself: ${error.message}")
            }
        val before = importance()
        val timer = ProcessTimer(memory = device::memory, phase = phase)
        val result = timer.run(job, work) { RunnerArtifact(Runners.open(bundle, job.step.accelerator, job.step.threads)) }
        return result.copy(notes = result.notes + remarks(maxOf(before, importance())))
    }

    private fun remarks(importance: Int): List<String> {
        val cores = device.allowedCores()
        val all = device.device().cores
        return listOfNotNull(
            "the app was in the background while it was timed, where Android slows it down".takeIf { importance > VISIBLE },
            "the system let the process use ${cores?.size} of $all cores: ${cores?.joinToString()}".takeIf {
                cores != null &&
                    cores.size < all
            },
        )
    }

    private companion object {
        const val VISIBLE = RunningAppProcessInfo.IMPORTANCE_VISIBLE
    }
}
