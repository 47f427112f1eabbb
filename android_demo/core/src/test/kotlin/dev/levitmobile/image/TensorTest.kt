package dev.levitmobile.image

import dev.levitmobile.TestData
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.Input
import dev.levitmobile.contract.Quantization
import dev.levitmobile.text
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class TensorTest {
    private val index = TestData.index("tensors.json")
    private val pixels = TestData.bytes(index.text("pixels_file"))
    private val vectors = index.getValue("tensors").jsonArray.map { it.jsonObject }

    @TestFactory
    fun `every tensor is Python's, bit by bit`(): List<DynamicTest> =
        vectors.map { vector ->
            dynamicTest(vector.text("name")) {
                val format = format(vector)
                val expected = TestData.bytes(vector.text("expected_file"))
                val buffer = ByteBuffer.allocateDirect(format.bytes).order(ByteOrder.LITTLE_ENDIAN)
                TensorWriter(format).write(pixels, buffer)
                assertContentEquals(expected, ByteArray(expected.size).also { buffer.get(it) })
                if (format.type == ElementType.FLOAT32) checkFloats(format, expected)
                if (format.type.bytes == 1) {
                    assertContentEquals(expected, ByteArray(format.elements).also { TensorWriter(format).write(pixels, it) })
                }
            }
        }

    private fun checkFloats(
        format: TensorFormat,
        expected: ByteArray,
    ) {
        val values =
            FloatArray(format.elements).also {
                ByteBuffer
                    .wrap(expected)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(it)
            }
        assertContentEquals(values, FloatArray(format.elements).also { TensorWriter(format).write(pixels, it) })
    }

    @Test
    fun `a buffer of another order gets that order`() {
        val format = format(vectors[0])
        val big = ByteBuffer.allocate(format.bytes)
        TensorWriter(format).write(pixels, big)
        val little = ByteBuffer.wrap(TestData.bytes(vectors[0].text("expected_file"))).order(ByteOrder.LITTLE_ENDIAN)
        assertEquals(little.getFloat(400), big.getFloat(400))
    }

    @Test
    fun `a target of another size or type is refused`() {
        val format = format(vectors[0])
        val writer = TensorWriter(format)
        assertFailsWith<IllegalArgumentException> { writer.write(pixels, FloatArray(format.elements - 1)) }
        assertFailsWith<IllegalArgumentException> { writer.write(pixels, FloatArray(format.elements + 1)) }
        assertFailsWith<IllegalArgumentException> { writer.write(pixels, ByteArray(format.elements)) }
        assertFailsWith<IllegalArgumentException> { writer.write(pixels.copyOf(pixels.size - 3), FloatArray(format.elements)) }
        assertFailsWith<IllegalArgumentException> { writer.write(pixels, ByteBuffer.allocate(format.bytes - 4)) }
        val integers = TensorWriter(format.copy(type = ElementType.INT8, quantization = Quantization(1 / 255.0, -128)))
        assertFailsWith<IllegalArgumentException> { integers.write(pixels, FloatArray(format.elements)) }
    }

    @Test
    fun `values beyond an integer's range are clipped`() {
        val format = format(vectors[0]).copy(type = ElementType.INT8, quantization = Quantization(1 / 400.0, 0))
        val found = ByteArray(format.elements).also { TensorWriter(format).write(ByteArray(format.elements) { -1 }, it) }
        assertEquals(setOf(127.toByte()), found.toSet())
    }

    @Test
    fun `half floats are rounded to even and keep their limits`() {
        val cases =
            mapOf(
                0f to 0x0000,
                -0f to 0x8000,
                1f to 0x3c00,
                -2f to 0xc000,
                65504f to 0x7bff,
                65519.996f to 0x7bff,
                65520f to 0x7c00,
                Float.POSITIVE_INFINITY to 0x7c00,
                Float.NEGATIVE_INFINITY to 0xfc00,
                Float.NaN to 0x7e00,
                6.1035156e-5f to 0x0400,
                6.097555e-5f to 0x03ff,
                5.9604645e-8f to 0x0001,
                2.9802322e-8f to 0x0000,
                2.9802326e-8f to 0x0001,
                1.00048828125f to 0x3c00,
                1.00146484375f to 0x3c02,
            )
        cases.forEach { (value, bits) -> assertEquals(bits, halfBits(value), "$value") }
    }

    @Test
    fun `a Core ML image and a batch are refused`() {
        assertFailsWith<IllegalArgumentException> { TensorFormat.of(input(mapOf("dtype" to JsonPrimitive("image")))) }
        val batch =
            TestData
                .index("contracts/complete.json")
                .getValue("input")
                .jsonObject
                .getValue("shape")
                .jsonArray
        val two = kotlinx.serialization.json.JsonArray(listOf(JsonPrimitive(2)) + batch.drop(1))
        assertFailsWith<IllegalArgumentException> { TensorFormat.of(input(mapOf("shape" to two))) }
    }

    private fun input(stated: Map<String, kotlinx.serialization.json.JsonElement>): Input {
        val complete = TestData.index("contracts/complete.json")
        val input = JsonObject(complete.getValue("input").jsonObject + stated)
        return ContractJson.read(JsonObject(complete + ("input" to input)).toString()).input
    }

    /** uint8 is in no contract: it is read as int8, and its type is put right. */
    private fun format(vector: JsonObject): TensorFormat {
        val stated = vector.getValue("input").jsonObject
        if (stated.text("dtype") != "uint8") return TensorFormat.of(input(stated))
        return TensorFormat.of(input(stated + ("dtype" to JsonPrimitive("int8")))).copy(type = ElementType.UINT8)
    }
}
