package dev.levitmobile.image

import com.sun.management.ThreadMXBean
import dev.levitmobile.TestData
import kotlinx.serialization.json.JsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class AllocationTest {
    private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean
    private val preprocessing =
        TestData.preprocessing(JsonObject(emptyMap())).copy(height = 256, width = 256, cropHeight = 224, cropWidth = 224)
    private val format = TensorFormat(224, 224, false, ElementType.FLOAT32, 0.0, 1.0)

    @TestFactory
    fun `a camera frame becomes a tensor without an allocation`(): List<DynamicTest> =
        mapOf("RGBA" to rgba(), "YUV" to yuv(), "ARGB" to argb()).flatMap { (name, frame) ->
            listOf(Orientation.UPRIGHT, Orientation.TURNED_90).map { dynamicTest("$name $it") { requireNoAllocation(frame, it) } }
        }

    @Test
    fun `the measurement sees an allocation`() {
        assertTrue(allocated { sink = ByteArray(4096) } >= 4096)
    }

    @Test
    fun `a crop of another size than the input is refused`() {
        assertFailsWith<IllegalArgumentException> { Preprocessor(preprocessing, format.copy(width = 225)) }
    }

    private fun requireNoAllocation(
        frame: Frame,
        orientation: Orientation,
    ) {
        val preprocessor = Preprocessor(preprocessing, format)
        val floats = FloatArray(format.elements)
        val direct = ByteBuffer.allocateDirect(format.bytes)
        repeat(2) {
            preprocessor.write(frame, orientation, floats)
            preprocessor.write(frame, orientation, direct)
        }
        // Another thread's compilation or class loading is not counted; the least of several runs is this code's.
        val least =
            (1..5).minOf {
                allocated {
                    preprocessor.write(frame, orientation, floats)
                    preprocessor.write(frame, orientation, direct)
                }
            }
        assertEquals(0, least)
        assertTrue(floats.any { it > 0f })
    }

    private fun allocated(run: () -> Unit): Long {
        val before = threads.currentThreadAllocatedBytes
        run()
        return threads.currentThreadAllocatedBytes - before - overhead
    }

    /** What the measurement itself allocates. */
    private val overhead: Long by lazy {
        (1..5).minOf {
            val before = threads.currentThreadAllocatedBytes
            threads.currentThreadAllocatedBytes - before
        }
    }

    private fun drawn(count: Int) = TestData.drawn(3, count)

    private fun rgba(): Frame {
        val stride = 4 * WIDTH + 64
        return RgbaFrame(ByteBuffer.allocateDirect(stride * HEIGHT).put(drawn(stride * HEIGHT)), WIDTH, HEIGHT, stride)
    }

    private fun yuv(): Frame {
        val y = ByteBuffer.allocateDirect(WIDTH * HEIGHT).put(drawn(WIDTH * HEIGHT))
        val uv = ByteBuffer.allocateDirect(WIDTH * HEIGHT / 2).put(drawn(WIDTH * HEIGHT / 2))
        return YuvFrame(y, uv, uv, WIDTH, HEIGHT, WIDTH, WIDTH, 2, YuvRange.FULL)
    }

    private fun argb(): Frame = ArgbFrame(IntArray(WIDTH * HEIGHT) { it * 2654435761L.toInt() }, WIDTH, HEIGHT)

    private companion object {
        const val WIDTH = 1280
        const val HEIGHT = 720

        @Volatile
        var sink: Any? = null
    }
}
