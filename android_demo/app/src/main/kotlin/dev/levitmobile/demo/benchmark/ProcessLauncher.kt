package dev.levitmobile.demo.benchmark

import android.content.ComponentName
import android.content.Context
import android.content.Intent
import android.content.ServiceConnection
import android.os.Bundle
import android.os.Handler
import android.os.IBinder
import android.os.Looper
import android.os.Message
import android.os.Messenger
import android.os.RemoteException
import dev.levitmobile.contract.FormatException
import dev.levitmobile.timing.ProcessEnd
import dev.levitmobile.timing.ProcessJob
import dev.levitmobile.timing.ProcessPhase
import dev.levitmobile.timing.ProcessResult
import dev.levitmobile.timing.RunMarker
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.io.File
import java.io.IOException

/**
 * Runs jobs in processes of their own, one after the other, by [BenchmarkService].
 *
 * @param context Any context.
 * @param folder Where the processes leave their marker and their result; survives them.
 * @param exits Android's own words about the death of a process.
 */
internal class ProcessLauncher(
    context: Context,
    private val folder: File,
    private val exits: ExitReasons = ExitReasons(context),
) {
    private val application = context.applicationContext
    private val marker = RunMarker(folder)
    private val resultFile = File(folder, "result.json")

    /**
     * Run a job and wait for its end; cancelling it ends the process.
     *
     * @param bundle Folder of the job's bundle.
     * @param phase Called on the main thread when a phase begins.
     */
    suspend fun launch(
        job: ProcessJob,
        bundle: File,
        phase: (ProcessPhase) -> Unit,
    ): ProcessEnd {
        withContext(Dispatchers.IO) {
            folder.mkdirs()
            resultFile.delete()
            marker.takeDied()
        }
        val connection = Connection(message(job, bundle), phase)
        val intent = Intent(application, BenchmarkService::class.java)
        try {
            if (!application.bindService(intent, connection, Context.BIND_AUTO_CREATE or Context.BIND_IMPORTANT)) {
                return ProcessEnd.Died("Android did not start the process of the benchmark")
            }
            val finished = connection.ended.await()
            return withContext(Dispatchers.IO) { if (finished) result() else died(connection.process) }
        } finally {
            withContext(NonCancellable) {
                application.unbindService(connection)
                withTimeoutOrNull(GONE_MS) { connection.gone.await() }
            }
        }
    }

    private fun message(
        job: ProcessJob,
        bundle: File,
    ) = Bundle().apply {
        putString(BenchmarkService.JOB_TEXT, job.write())
        putString(BenchmarkService.FOLDER, bundle.path)
        putString(BenchmarkService.MARKERS, folder.path)
        putString(BenchmarkService.RESULT_FILE, resultFile.path)
    }

    private fun result(): ProcessEnd =
        try {
            ProcessEnd.Finished(ProcessResult.read(resultFile.readText()))
        } catch (error: IOException) {
            ProcessEnd.Died("the result of the process cannot be read: ${error.message}")
        } catch (error: FormatException) {
            ProcessEnd.Died("the result of the process cannot be read: ${error.message}")
        }

    private suspend fun died(process: Int?): ProcessEnd {
        val what = marker.takeDied()?.second ?: "the process died while ${ProcessPhase.STARTING.doing}"
        return ProcessEnd.Died(listOfNotNull(what, process?.let { exits.of(it) }).joinToString(": "))
    }

    /** Everything here runs on the main thread. */
    private class Connection(
        private val job: Bundle,
        private val phase: (ProcessPhase) -> Unit,
    ) : ServiceConnection {
        val ended = CompletableDeferred<Boolean>()
        val gone = CompletableDeferred<Unit>()
        var process: Int? = null
            private set
        private val listener = Messenger(Handler(Looper.getMainLooper(), ::receive))

        override fun onServiceConnected(
            name: ComponentName?,
            service: IBinder,
        ) {
            try {
                service.linkToDeath({ lost() }, 0)
                val message = Message.obtain(null, BenchmarkService.JOB).apply { data = job }
                Messenger(service).send(message.apply { replyTo = listener })
            } catch (_: RemoteException) {
                lost()
            }
        }

        override fun onServiceDisconnected(name: ComponentName?) = lost()

        override fun onBindingDied(name: ComponentName?) = lost()

        override fun onNullBinding(name: ComponentName?) = lost()

        private fun lost() {
            ended.complete(false)
            gone.complete(Unit)
        }

        private fun receive(message: Message): Boolean {
            when (message.what) {
                BenchmarkService.HELLO -> process = message.arg1
                BenchmarkService.PHASE -> ProcessPhase.entries.getOrNull(message.arg1)?.let(phase)
                BenchmarkService.RESULT -> ended.complete(true)
                else -> return false
            }
            return true
        }
    }

    private companion object {
        const val GONE_MS = 5_000L
    }
}
