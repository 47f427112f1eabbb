package dev.levitmobile

import androidx.camera.core.ImageProxy
import dev.levitmobile.image.Orientation
import dev.levitmobile.image.RgbaFrame
import dev.levitmobile.image.YuvFrame
import dev.levitmobile.image.YuvRange
import dev.levitmobile.twin.TestImage
import dev.levitmobile.twin.TestPlane
import kotlinx.coroutines.runBlocking
import org.junit.Test
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse

/** Camera frames as CameraX gives them: padded rows, planes in one buffer, turned sensors. */
class CameraFrameTest : ClassifierCase() {
    private val width = 320
    private val height = 240

    @Test
    fun `padded RGBA rows are read at their stride, and turned`(): Unit =
        runBlocking {
            val rgba = Random(1).nextBytes(4 * width * height).also { bytes -> for (place in 3 until bytes.size step 4) bytes[place] = -1 }
            for (degrees in listOf(0, 90, 180, 270)) {
                val image = TestImage.rgba(rgba, width, height, degrees, padding = 48)
                classifier.classify(image)
                val expected = prepared(RgbaFrame(ByteBuffer.wrap(rgba), width, height), Orientation.ofDegrees(degrees))
                assertContentEquals(expected, runner.pixels, "$degrees degrees")
                assertFalse(image.isClosed, "the caller closes the frame")
                image.close()
            }
        }

    @Test
    fun `YUV planes are read at their strides, apart or in one buffer`(): Unit =
        runBlocking {
            val (y, u, v) = listOf(bytes((width + 32) * height, 2), bytes(width / 2 * height / 2, 3), bytes(width / 2 * height / 2, 4))
            val apart = listOf(TestPlane(y, width + 32, 1), TestPlane(u, width / 2, 1), TestPlane(v, width / 2, 1))
            val expected =
                prepared(YuvFrame(y, u, v, width, height, width + 32, width / 2, 1, YuvRange.FULL), Orientation.TURNED_90)
            classifier.classify(TestImage.yuv(apart, width, height, 90))
            assertContentEquals(expected, runner.pixels)
            classifier.classify(TestImage.yuv(interleaved(y, u, v), width, height, 90))
            assertContentEquals(expected, runner.pixels)
        }

    @Test
    fun `frames of other formats and turns are refused`(): Unit =
        runBlocking {
            val jpeg = TestImage(8, 8, 256, listOf(TestPlane(ByteBuffer.allocate(64), 8, 1)), 0)
            assertContains(assertFailsWith<IllegalArgumentException> { classifier.classify(jpeg) }.message.orEmpty(), "format 256")
            val crooked = TestImage.rgba(ByteArray(4 * 64), 8, 8, 45)
            assertFailsWith<IllegalArgumentException> { classifier.classify(crooked) }
        }

    @Test
    fun `the blocking form gives the same`() {
        val rgba = Random(5).nextBytes(4 * width * height)
        val suspended = runBlocking { classifier.classify(TestImage.rgba(rgba, width, height, 90)) }
        assertEquals(suspended.classes, classifier.classifyBlocking(TestImage.rgba(rgba, width, height, 90)).classes)
    }

    /** V and U in turn, as NV21 has them: both planes are views of one buffer. */
    private fun interleaved(
        y: ByteBuffer,
        u: ByteBuffer,
        v: ByteBuffer,
    ): List<ImageProxy.PlaneProxy> {
        val both = ByteBuffer.allocateDirect(2 * u.limit())
        for (place in 0 until u.limit()) both.put(2 * place, v.get(place)).put(2 * place + 1, u.get(place))
        val ofU = both.duplicate().position(1).let { (it as ByteBuffer).slice() }
        val ofV = both.duplicate().limit(both.limit() - 1).let { (it as ByteBuffer).slice() }
        return listOf(TestPlane(y, width + 32, 1), TestPlane(ofU, width, 2), TestPlane(ofV, width, 2))
    }

    private fun bytes(
        count: Int,
        seed: Int,
    ): ByteBuffer = ByteBuffer.allocateDirect(count).put(Random(seed).nextBytes(count)).apply { rewind() }
}
