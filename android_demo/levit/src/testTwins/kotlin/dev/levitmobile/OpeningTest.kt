package dev.levitmobile

import dev.levitmobile.runner.Runner
import dev.levitmobile.runner.Runners
import dev.levitmobile.store.Bundle
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/**
 * What an opening holds when it has ended: nothing, unless it gave a classifier.
 *
 * An artifact of ExecuTorch that is still open does not let the process's pool have another size, so every test ends
 * with an opening of another number of threads, by [Runners], which waits for nothing.
 */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [36])
class OpeningTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val folder get() = TestBundles.folder(TestBundles.EXECUTORCH)
    private lateinit var runner: RecordingRunner

    @Before
    fun bundlesExist() = assumeTrue(TestBundles.names.isNotEmpty())

    @Test
    fun `a bundle is loaded, checked and closed on the classifier's thread, not on the caller's`() {
        val threads = mutableSetOf<Thread>()

        fun noting(bundle: Bundle): Runner {
            threads += Thread.currentThread()
            return ThreadNotingRunner(Runners.open(bundle), threads)
        }
        runBlocking(Dispatchers.Unconfined) { Opening(folder, ::noting).finish() }.close()
        OneThread.awaitRetired()
        assertEquals(1, threads.size, "$threads")
        Opening(folder, ::noting).finishBlocking().close()
        OneThread.awaitRetired()
        assertEquals(2, threads.size, "$threads")
        assertFalse(Thread.currentThread() in threads)
        assertNothingIsHeld()
    }

    @Test
    fun `a classifier whose opening is cancelled holds nothing`(): Unit =
        runBlocking {
            repeat(3) {
                val job = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { LevitClassifier.open(folder, threads = 1).close() }
                job.cancelAndJoin()
            }
            LevitClassifier.open(folder, threads = 2).close()
        }

    @Test
    fun `an opening that is cancelled while it checks the bundle closes it before it ends`(): Unit =
        runBlocking {
            val loaded = CountDownLatch(1)
            var given = false
            val job =
                launch(Dispatchers.Default) {
                    Opening(folder) { bundle -> held(bundle).also { loaded.countDown() } }.finish()
                    given = true
                }
            loaded.await()
            runner.begun.await()
            job.cancel()
            assertFalse(runner.isClosed, "the runtime's memory is in use")
            runner.mayEnd.countDown()
            job.join()
            assertFalse(given)
            assertTrue(runner.isClosed)
            assertNothingIsHeld()
        }

    @Test
    fun `an opening that is cancelled before it began loads nothing`(): Unit =
        runBlocking {
            var loaded = false
            val job =
                launch(start = CoroutineStart.UNDISPATCHED) {
                    cancel()
                    Opening(folder) { bundle -> Runners.open(bundle).also { loaded = true } }.finish()
                }
            job.join()
            assertFalse(loaded)
            assertNothingIsHeld()
        }

    @Test
    fun `an opening that fails its check, or while it checks, has closed the artifact when it ends`(): Unit =
        runBlocking {
            val strict =
                TestBundles.changed(TestBundles.EXECUTORCH, File(temporary.root, "strict")) {
                    it.copy(tolerance = it.tolerance.copy(minSqnrDb = 500.0))
                }
            assertFailsWith<BrokenBundleException> { LevitClassifier.open(strict) }
            assertNothingIsHeld()
            assertFailsWith<BrokenBundleException> { LevitClassifier.openBlocking(strict) }
            assertNothingIsHeld()
            assertFailsWith<OutOfMemoryError> { Opening(folder) { FailingRunner(Runners.open(it)) }.finish() }
            assertNothingIsHeld()
        }

    @Test
    fun `an opening whose caller is interrupted gives the classifier, and the caller stays interrupted`() {
        var opened: LevitClassifier? = null
        var interrupted = false
        val loaded = CountDownLatch(1)
        val caller =
            thread {
                opened = Opening(folder) { bundle -> held(bundle).also { loaded.countDown() } }.finishBlocking()
                interrupted = Thread.currentThread().isInterrupted
            }
        loaded.await()
        caller.interrupt()
        runner.mayEnd.countDown()
        caller.join()
        assertTrue(interrupted)
        opened!!.close()
        OneThread.awaitRetired()
        assertNothingIsHeld()
    }

    @Test
    fun `an interrupted coroutine's opening is cancelled, and holds nothing`() {
        val loaded = CountDownLatch(1)
        var failure: Throwable? = null
        val caller =
            thread {
                failure =
                    runCatching {
                        runBlocking { Opening(folder) { bundle -> held(bundle).also { loaded.countDown() } }.finish() }
                    }.exceptionOrNull()
            }
        loaded.await()
        caller.interrupt()
        runner.mayEnd.countDown()
        caller.join()
        assertEquals(InterruptedException::class, failure!!::class)
        assertTrue(runner.isClosed)
        assertNothingIsHeld()
    }

    @Test
    fun `a classifier that is closed while it runs is free for the next one`(): Unit =
        runBlocking {
            val classifier =
                Opening(folder) { bundle -> held(bundle).apply { mayEnd.countDown() } }.finish()
            runner.mayEnd = CountDownLatch(1)
            val result = async(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { classifier.classify(pattern(64, 64)) }
            classifier.close()
            assertFalse(runner.isClosed)
            runner.mayEnd.countDown()
            LevitClassifier.open(folder, threads = 2).close()
            assertEquals(5, result.await().classes.size)
        }

    private fun held(bundle: Bundle): RecordingRunner =
        RecordingRunner(Runners.open(bundle, threads = 1)).apply {
            mayEnd = CountDownLatch(1)
            runner = this
        }

    private fun assertNothingIsHeld() {
        val threads = Runners.open(TestBundles.open(TestBundles.EXECUTORCH), threads = 3).use { it.threads }
        assertEquals(3, threads)
    }
}

/** Notes the threads that use it. */
private class ThreadNotingRunner(
    private val real: Runner,
    private val users: MutableSet<Thread>,
) : Runner by real {
    override fun run() {
        users += Thread.currentThread()
        real.run()
    }

    override fun close() {
        users += Thread.currentThread()
        real.close()
    }
}

/** Fails as a runtime does that has no memory left. */
private class FailingRunner(
    private val real: Runner,
) : Runner by real {
    override fun run(): Unit = throw OutOfMemoryError("no memory")
}
