package dev.levitmobile.image

import dev.levitmobile.TestData
import dev.levitmobile.int
import dev.levitmobile.long
import dev.levitmobile.text
import kotlinx.serialization.json.JsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class YuvFrameTest {
    private val vectors = TestData.entries("yuv.json")

    @TestFactory
    fun `every frame gives the formula's colours`(): List<DynamicTest> =
        vectors.map { vector ->
            dynamicTest(vector.text("name")) {
                val frame = frame(vector)
                assertContentEquals(TestData.bytes(vector.text("expected_file")), rgb(frame))
            }
        }

    @TestFactory
    fun `a turned frame has the turned image's colours`(): List<DynamicTest> =
        Orientation.entries.map { orientation ->
            dynamicTest(orientation.name) {
                val vector = vectors.single { it.text("name") == "planes-odd-padded-full" }
                val (width, height) = vector.int("width") to vector.int("height")
                val stored = RgbFrame(TestData.bytes(vector.text("expected_file")), width, height)
                assertContentEquals(rgb(stored, orientation), rgb(frame(vector), orientation))
            }
        }

    @Test
    fun `colour bars are those of the standard`() {
        // 75% bars of BT.601 in 8 bits: white, yellow, cyan, green, magenta, red, blue, black.
        val bars =
            listOf(
                listOf(180, 128, 128, 191, 191, 191),
                listOf(162, 44, 142, 191, 191, 0),
                listOf(131, 156, 44, 0, 191, 191),
                listOf(112, 72, 58, 0, 191, 0),
                listOf(84, 184, 198, 191, 0, 191),
                listOf(65, 100, 212, 191, 0, 0),
                listOf(35, 212, 114, 0, 0, 191),
                listOf(16, 128, 128, 0, 0, 0),
            )
        for (bar in bars) {
            val (y, u, v) = bar.take(3).map { ByteBuffer.wrap(byteArrayOf(it.toByte())) }
            val found = rgb(YuvFrame(y, u, v, 1, 1, 1, 1, 1, YuvRange.LIMITED)).map { it.toInt() and 0xff }
            bar.drop(3).zip(found).forEach { (expected, level) -> assertEquals(expected.toDouble(), level.toDouble(), 1.0, "$bar: $found") }
        }
    }

    @Test
    fun `a plane that is too short is refused`() {
        val plane = ByteBuffer.allocate(16)
        assertFailsWith<IllegalArgumentException> { YuvFrame(plane, plane, plane, 5, 4, 5, 3, 1, YuvRange.FULL) }
        assertFailsWith<IllegalArgumentException> { YuvFrame(plane, ByteBuffer.allocate(3), plane, 4, 4, 4, 2, 1, YuvRange.FULL) }
        assertFailsWith<IllegalArgumentException> { YuvFrame(plane, plane, plane, 4, 4, 4, 2, 0, YuvRange.FULL) }
    }

    private fun frame(vector: JsonObject): YuvFrame {
        val whole = TestData.drawn(vector.long("seed"), vector.int("length"))
        val (y, u, v) =
            listOf("y_offset", "u_offset", "v_offset").map {
                ByteBuffer.wrap(whole, vector.int(it), whole.size - vector.int(it)).slice()
            }
        return YuvFrame(
            y,
            u,
            v,
            vector.int("width"),
            vector.int("height"),
            vector.int("y_row_stride"),
            vector.int("uv_row_stride"),
            vector.int("uv_pixel_stride"),
            YuvRange.valueOf(vector.text("range").uppercase()),
        )
    }

    private fun rgb(
        frame: Frame,
        orientation: Orientation = Orientation.UPRIGHT,
    ): ByteArray {
        val (width, height) = if (orientation.swapsSides) frame.height to frame.width else frame.width to frame.height
        return ByteArray(3 * width * height).also { frame.readUpright(orientation, 0, 0, width, height, it) }
    }
}
