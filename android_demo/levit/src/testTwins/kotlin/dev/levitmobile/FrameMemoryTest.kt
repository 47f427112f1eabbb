package dev.levitmobile

import com.sun.management.ThreadMXBean
import dev.levitmobile.contract.Verdict
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.runner.Runner
import dev.levitmobile.runner.Runners
import dev.levitmobile.twin.TestImage
import dev.levitmobile.twin.TestPlane
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.test.assertTrue

/** The heap that a camera frame takes once the first frames of its size are through. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [36])
class FrameMemoryTest {
    private val memory = ManagementFactory.getThreadMXBean() as ThreadMXBean

    @Before
    fun bundlesExist() = assumeTrue(TestBundles.names.isNotEmpty())

    @Test
    fun `a camera frame takes no memory of the size of an image`() {
        val frames = mapOf("RGBA" to rgba(), "YUV" to yuv())
        for (name in listOf(TestBundles.LITERT, TestBundles.EXECUTORCH)) {
            for ((format, image) in frames) {
                val (own, runtimes) = bytesPerFrame(name, image)
                assertTrue(own in 1..MOST_OWN, "$name, $format: a frame takes $own bytes, expected at most $MOST_OWN")
                assertTrue(runtimes <= MOST_RUNTIMES, "$name, $format: a run takes $runtimes bytes, expected at most $MOST_RUNTIMES")
            }
        }
    }

    /** What a frame takes outside the runner, and inside. */
    private fun bytesPerFrame(
        name: String,
        image: TestImage,
    ): Pair<Long, Long> {
        val bundle = TestBundles.open(name)
        val runner = MeasuredRunner(Runners.open(bundle), memory)
        return LevitClassifier(bundle, runner, CheckResult(Verdict.PROVEN, emptyList(), 4, null), OneThread("memory")).use {
            repeat(FRAMES) { _ -> it.classifyBlocking(image) }
            // What is loaded and compiled with the first frames is not a frame's own.
            runner.own.takeLast(FRAMES / 2).min() to runner.runtimes.takeLast(FRAMES / 2).min()
        }
    }

    private fun rgba() = TestImage.rgba(Random(1).nextBytes(4 * WIDTH * HEIGHT), WIDTH, HEIGHT, 90)

    private fun yuv(): TestImage {
        val planes = listOf(WIDTH to HEIGHT, WIDTH / 2 to HEIGHT / 2, WIDTH / 2 to HEIGHT / 2)
        return TestImage.yuv(
            planes.map { (width, height) ->
                TestPlane(ByteBuffer.allocateDirect(width * height), width, 1)
            },
            WIDTH,
            HEIGHT,
            90,
        )
    }

    private companion object {
        const val WIDTH = 640
        const val HEIGHT = 480

        const val FRAMES = 8

        /** Bytes for the result's classes and the waiting call; the prepared image alone has 150,528. */
        const val MOST_OWN = 2_560L

        /** Bytes for an array of one output and what the native calls of the runtimes' stand-ins take. */
        const val MOST_RUNTIMES = 32_768L
    }
}

/** Notes what its thread allocates per frame: outside the runner, from one read to the next, and inside. */
private class MeasuredRunner(
    private val real: Runner,
    private val memory: ThreadMXBean,
) : Runner by real {
    val own = mutableListOf<Long>()
    val runtimes = mutableListOf<Long>()
    private var inside = 0L
    private var end = 0L

    override fun write(pixels: ByteArray) = counted { real.write(pixels) }

    override fun run() = counted { real.run() }

    override fun read(logits: FloatArray) {
        counted { real.read(logits) }
        val now = memory.currentThreadAllocatedBytes
        own += now - end - inside
        runtimes += inside
        inside = 0
        end = memory.currentThreadAllocatedBytes
    }

    private inline fun counted(step: () -> Unit) {
        val before = memory.currentThreadAllocatedBytes
        step()
        inside += memory.currentThreadAllocatedBytes - before
    }
}
