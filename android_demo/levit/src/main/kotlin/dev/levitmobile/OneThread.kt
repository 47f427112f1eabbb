package dev.levitmobile

import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.withContext
import java.util.concurrent.Callable
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ExecutionException
import java.util.concurrent.Future
import java.util.concurrent.FutureTask
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

/**
 * One thread for all work of a classifier: a GPU's context belongs to the thread that made it.
 *
 * It takes work after [retire] too, so that such work can report why it does not run.
 */
internal class OneThread(
    name: String,
) {
    private val executor =
        ThreadPoolExecutor(1, 1, 1, TimeUnit.SECONDS, LinkedBlockingQueue()) { work ->
            Thread(work, "levit $name").apply { isDaemon = true }
        }
    private val dispatcher = executor.asCoroutineDispatcher()

    /** Run there without blocking; work that has begun ends before a cancellation is reported. */
    suspend fun <T> run(work: () -> T): T = withContext(dispatcher) { work() }

    /** Run there and wait. An interrupt is kept for the caller, and does not end the wait: the work may use its memory. */
    fun <T> runBlocking(work: () -> T): T {
        val future = executor.submit(Callable(work))
        var interrupted = false
        try {
            while (true) {
                try {
                    return result(future)
                } catch (_: InterruptedException) {
                    interrupted = true
                }
            }
        } finally {
            if (interrupted) Thread.currentThread().interrupt()
        }
    }

    /** Run the last work after all that waits, and let the thread end. */
    fun retire(last: () -> Unit) {
        val task = FutureTask(last, Unit)
        retiring += task
        executor.execute {
            task.run()
            retiring -= task
        }
        executor.allowCoreThreadTimeOut(true)
    }

    private fun <T> result(future: Future<T>): T =
        try {
            future.get()
        } catch (error: ExecutionException) {
            throw error.cause ?: error
        }

    companion object {
        private val retiring: MutableSet<FutureTask<Unit>> = ConcurrentHashMap.newKeySet()

        /** Wait for the last work of all threads that were retired before: what they held is free then. */
        fun awaitRetired() {
            for (task in retiring.toList()) {
                try {
                    task.get()
                } catch (_: ExecutionException) {
                    // Its memory is lost, and nothing can be done about it here.
                }
            }
        }
    }
}
