package dev.levitmobile.image

import dev.levitmobile.TestData
import dev.levitmobile.int
import dev.levitmobile.long
import dev.levitmobile.store.sha256
import dev.levitmobile.text
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class ResizerTest {
    private val vectors = TestData.entries("resize.json")

    @TestFactory
    fun `every vector gives Pillow's bytes`(): List<DynamicTest> =
        vectors.map { vector -> dynamicTest(vector.text("name")) { forms(vector).forEach { check(vector, it) } } }

    @Test
    fun `there are enough vectors, of every orientation`() {
        assertTrue(vectors.size >= 24)
        assertEquals((1..8).toSet(), vectors.map { it.int("orientation") }.toSet())
    }

    @Test
    fun `an image of rows that are further apart needs no frame`() {
        val vector = vectors.single { it.text("name") == "padded" }
        val resizer = Resizer(preprocessing(vector))
        val found = ByteArray(expected(vector).size)
        resizer.resize(source(vector), vector.int("width"), vector.int("height"), vector.int("row_stride"), found)
        assertContentEquals(expected(vector), found)
    }

    @Test
    fun `one instance takes images of different sizes in turn`() {
        val same = vectors.filter { it.getValue("preprocessing") == vectors[0].getValue("preprocessing") && it.int("orientation") == 1 }
        assertTrue(same.size >= 5)
        val resizer = Resizer(preprocessing(vectors[0]))
        for (vector in (same + same.reversed()).filter { it.int("channels") == 3 }) {
            val found = ByteArray(expected(vector).size)
            resizer.resize(source(vector), vector.int("width"), vector.int("height"), vector.int("row_stride"), found)
            assertContentEquals(expected(vector), found, vector.text("name"))
        }
    }

    @Test
    fun `arrays of a wrong size are refused`() {
        val resizer = Resizer(preprocessing(vectors[0]))
        assertFailsWith<IllegalArgumentException> { resizer.resize(ByteArray(29), 5, 2, into = ByteArray(32 * 32 * 3)) }
        assertFailsWith<IllegalArgumentException> { resizer.resize(ByteArray(30), 5, 2, into = ByteArray(32 * 32 * 3 - 1)) }
        assertFailsWith<IllegalArgumentException> { resizer.resize(ByteArray(30), 5, 2, 14, ByteArray(32 * 32 * 3)) }
        assertFailsWith<IllegalArgumentException> { resizer.resize(ByteArray(30), 0, 2, into = ByteArray(32 * 32 * 3)) }
    }

    @Test
    fun `an image that would have too many pixels after scaling is refused`() {
        val resizer = Resizer(preprocessing(vectors[0]).copy(height = 1000, width = 1000))
        repeat(2) {
            val error = assertFailsWith<IllegalArgumentException> { resizer.plan(1, 3_000_000) }
            assertEquals("the image of 1 x 3000000 pixels is too elongated to be resized", error.message)
        }
    }

    /** The vector's image in every form that an app may have it in. */
    private fun forms(vector: JsonObject): List<Frame> {
        val bytes = source(vector)
        val (width, height, stride) = listOf("width", "height", "row_stride").map(vector::int)
        if (vector.int("channels") == 4) return listOf(RgbaFrame(ByteBuffer.wrap(bytes), width, height, stride), argb(vector, bytes, 4))
        val direct = ByteBuffer.allocateDirect(height * (4 * width + 12))
        for (y in 0 until height) {
            for (x in 0 until width) {
                for (c in 0 until 3) direct.put(y * (4 * width + 12) + 4 * x + c, bytes[y * stride + 3 * x + c])
                direct.put(y * (4 * width + 12) + 4 * x + 3, -1)
            }
        }
        return listOf(RgbFrame(bytes, width, height, stride), RgbaFrame(direct, width, height, 4 * width + 12), argb(vector, bytes, 3))
    }

    private fun argb(
        vector: JsonObject,
        bytes: ByteArray,
        channels: Int,
    ): ArgbFrame {
        val (width, height, stride) = listOf("width", "height", "row_stride").map(vector::int)
        val pixels = IntArray((width + 3) * height) { 0x12345678 }
        for (y in 0 until height) {
            for (x in 0 until width) {
                val (red, green, blue) = List(3) { bytes[y * stride + channels * x + it].toInt() and 0xff }
                val alpha = if (channels == 4) bytes[y * stride + 4 * x + 3].toInt() and 0xff else 255
                pixels[y * (width + 3) + x] = (alpha shl 24) or (red shl 16) or (green shl 8) or blue
            }
        }
        return ArgbFrame(pixels, width, height, width + 3)
    }

    private fun check(
        vector: JsonObject,
        frame: Frame,
    ) {
        val preprocessing = preprocessing(vector)
        val format = TensorFormat(preprocessing.cropHeight, preprocessing.cropWidth, true, ElementType.FLOAT32, 0.0, 1.0)
        val preprocessor = Preprocessor(preprocessing, format)
        repeat(2) { preprocessor.prepare(frame, Orientation.ofExif(vector.int("orientation"))) }
        assertContentEquals(expected(vector), preprocessor.pixels, "${vector.text("name")} as ${frame.javaClass.simpleName}")
    }

    private fun preprocessing(vector: JsonObject) = TestData.preprocessing(vector.getValue("preprocessing").jsonObject)

    private fun expected(vector: JsonObject): ByteArray =
        TestData.bytes(vector.text("expected_file")).also { assertEquals(vector.text("expected_sha256"), sha256(it)) }

    private fun source(vector: JsonObject): ByteArray =
        if ("source_file" in vector) {
            TestData.bytes(vector.text("source_file"))
        } else {
            TestData.drawn(vector.long("seed"), vector.int("height") * vector.int("row_stride"))
        }
}
