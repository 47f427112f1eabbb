package dev.levitmobile.prediction

import dev.levitmobile.TestData
import dev.levitmobile.contract.Head
import dev.levitmobile.contract.Output
import dev.levitmobile.contract.OutputType
import dev.levitmobile.contract.Quantization
import dev.levitmobile.image.halfBits
import dev.levitmobile.number
import dev.levitmobile.text
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
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

class PredictionTest {
    private val labels = listOf("cat", "dog", "fox", "owl")

    @TestFactory
    fun `every output is read as Python reads it`(): List<DynamicTest> =
        TestData.entries("outputs.json").map { vector ->
            dynamicTest(vector.text("name")) {
                val bytes = TestData.bytes(vector.text("stored_file"))
                val expected = vector.getValue("logits").jsonArray.map { it.number().toFloat() }
                val found = FloatArray(expected.size)
                LogitsReader(output(vector)).read(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), found)
                assertContentEquals(expected.toFloatArray(), found)
            }
        }

    @Test
    fun `an output of another size is refused`() {
        val reader = LogitsReader(output(TestData.entries("outputs.json")[0]))
        assertFailsWith<IllegalArgumentException> { reader.read(ByteBuffer.allocate(reader.bytes - 1), FloatArray(reader.classes)) }
        assertFailsWith<IllegalArgumentException> { reader.read(ByteBuffer.allocate(reader.bytes), FloatArray(reader.classes + 1)) }
        val batch =
            output(
                TestData.entries("outputs.json")[0],
            ).copy(shape = listOf(2, 6), dtype = OutputType.INT8, quantization = Quantization(1.0, 0))
        assertFailsWith<IllegalArgumentException> { LogitsReader(batch) }
    }

    @Test
    fun `every half float survives the way to a float and back`() {
        for (bits in 0..0xffff) {
            val value = halfToFloat(bits)
            if (!value.isNaN()) assertEquals(bits, halfBits(value), "$value")
        }
    }

    @Test
    fun `the best classes come with their labels and probabilities`() {
        val logits = floatArrayOf(0f, 2f, -1f, 2f)
        val top = TopClasses.of(logits, labels, Head.SOFTMAX, 3)
        assertEquals(listOf("dog", "owl", "cat"), top.map { it.label })
        assertEquals(listOf(1, 3, 0), top.map { it.index })
        assertEquals(0.4576, top[0].probability!!, 1e-4)
        assertEquals(1.0, TopClasses.of(logits, labels, Head.SOFTMAX).sumOf { it.probability!! }, 1e-12)
        assertEquals(0.8808, TopClasses.of(logits, labels, Head.SIGMOID)[1].probability!!, 1e-4)
        assertEquals(listOf(null, null), TopClasses.of(logits, labels, Head.NONE, 2).map { it.probability })
        assertFailsWith<IllegalArgumentException> { TopClasses.of(logits, labels.drop(1), Head.SOFTMAX) }
    }

    private fun output(vector: JsonObject): Output {
        val complete = TestData.index("contracts/complete.json").getValue("output").jsonObject
        return Json.decodeFromJsonElement(Output.serializer(), JsonObject(complete + vector.getValue("output").jsonObject))
    }
}
