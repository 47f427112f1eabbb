package dev.levitmobile

import dev.levitmobile.contract.Verdict
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.timing.Accelerator
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.File
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Opening, closing, cancelling, and threads. */
class ClassifierLifeTest : ClassifierCase() {
    @get:Rule
    val temporary = TemporaryFolder()

    @Test
    fun `opening runs the golden images`(): Unit =
        runBlocking {
            LevitClassifier.open(TestBundles.folder(TestBundles.LITERT), threads = 2).use { opened ->
                assertEquals(Verdict.PROVEN, opened.check.verdict)
                assertEquals(4, opened.check.images)
                assertEquals(Accelerator.CPU to 2, opened.accelerator to opened.threads)
            }
            LevitClassifier.openBlocking(TestBundles.folder(TestBundles.EXECUTORCH)).use {
                assertEquals(Verdict.PROVEN, it.check.verdict)
            }
        }

    @Test
    fun `a bundle is opened on the classifier's own thread`(): Unit =
        runBlocking {
            val missing = File(temporary.root, "missing")
            val failures =
                listOf(
                    assertFailsWith<DamagedBundleException> { LevitClassifier.open(missing) },
                    assertFailsWith<DamagedBundleException> { LevitClassifier.openBlocking(missing) },
                )
            for (failure in failures) {
                val thrown = generateSequence<Throwable>(failure) { it.cause as? DamagedBundleException }.last()
                assertFalse(thrown.stackTrace.any { it.className == ClassifierLifeTest::class.java.name }, thrown.stackTraceToString())
            }
        }

    @Test
    fun `a bundle that computes something else is not opened`(): Unit =
        runBlocking {
            val strict =
                TestBundles.changed(TestBundles.LITERT, File(temporary.root, "strict")) {
                    it.copy(tolerance = it.tolerance.copy(minSqnrDb = 500.0))
                }
            val error = assertFailsWith<BrokenBundleException> { LevitClassifier.open(strict) }
            assertEquals(Verdict.BROKEN, error.check.verdict)
            assertContains(error.message.orEmpty(), "expected at least 500 dB")
        }

    @Test
    fun `a missing GPU, a damaged and a missing bundle are told apart`(): Unit =
        runBlocking {
            val folder = TestBundles.folder(TestBundles.LITERT)
            assertFailsWith<NotAvailableException> { LevitClassifier.open(folder, Accelerator.GPU) }
            assertFailsWith<NotAvailableException> { LevitClassifier.openBlocking(folder, Accelerator.GPU) }
            assertFailsWith<DamagedBundleException> { LevitClassifier.open(File(temporary.root, "nothing")) }
        }

    @Test
    fun `a closed classifier refuses in words, and closes again`(): Unit =
        runBlocking {
            classifier.close()
            classifier.close()
            val bitmap = pattern(64, 64)
            assertContains(assertFailsWith<IllegalStateException> { classifier.classify(bitmap) }.message.orEmpty(), "closed")
            assertFailsWith<IllegalStateException> { classifier.classifyBlocking(bitmap) }
            assertTrue(runner.isClosed)
        }

    @Test
    fun `a call that runs while the classifier is closed ends well`(): Unit =
        runBlocking {
            runner.mayEnd = CountDownLatch(1)
            val result = async(Dispatchers.Default) { classifier.classify(pattern(64, 64)) }
            runner.begun.await()
            classifier.close()
            assertFalse(runner.isClosed, "the runtime's memory is in use")
            runner.mayEnd.countDown()
            assertEquals(5, result.await().classes.size)
            assertFailsWith<IllegalStateException> { classifier.classify(pattern(64, 64)) }
            assertTrue(runner.isClosed)
        }

    @Test
    fun `a cancelled call ends before it is reported as cancelled`(): Unit =
        runBlocking {
            runner.mayEnd = CountDownLatch(1)
            var cancelled = false
            val job =
                launch(Dispatchers.Default) {
                    try {
                        classifier.classify(pattern(64, 64))
                    } catch (error: CancellationException) {
                        cancelled = true
                        throw error
                    }
                }
            runner.begun.await()
            job.cancel()
            assertFalse(cancelled, "the bitmap is still read")
            runner.mayEnd.countDown()
            job.join()
            assertTrue(cancelled)
            assertEquals(5, classifier.classify(pattern(64, 64)).classes.size)
        }

    @Test
    fun `an interrupted caller still waits, and stays interrupted`() {
        runner.mayEnd = CountDownLatch(1)
        var classes = 0
        var interrupted = false
        val caller =
            thread {
                classes = classifier.classifyBlocking(pattern(64, 64)).classes.size
                interrupted = Thread.currentThread().isInterrupted
            }
        runner.begun.await()
        caller.interrupt()
        runner.mayEnd.countDown()
        caller.join()
        assertEquals(5, classes)
        assertTrue(interrupted)
    }

    @Test
    fun `calls from many threads take turns`(): Unit =
        runBlocking {
            val bitmaps = List(6) { pattern(64 + 32 * it, 64) }
            val alone = bitmaps.map { classifier.classify(it).classes }
            val together = bitmaps.map { async(Dispatchers.Default) { classifier.classify(it).classes } }
            assertEquals(alone, together.map { it.await() })
        }
}
