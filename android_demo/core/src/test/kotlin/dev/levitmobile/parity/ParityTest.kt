package dev.levitmobile.parity

import dev.levitmobile.TestData
import dev.levitmobile.contract.Head
import dev.levitmobile.contract.Tolerance
import dev.levitmobile.contract.Verdict
import dev.levitmobile.int
import dev.levitmobile.number
import dev.levitmobile.text
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import java.util.concurrent.CancellationException
import kotlin.math.abs
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

class ParityTest {
    private val vectors = TestData.entries("parity.json")

    @TestFactory
    fun `the figures are Python's`(): List<DynamicTest> =
        vectors.filter { it.getValue("figures") !is JsonNull }.map { vector ->
            dynamicTest(vector.text("name")) {
                val (reference, candidate) = logits(vector, "reference") to logits(vector, "candidate")
                val found =
                    mapOf(
                        "max_abs_error" to Metrics.maxAbsError(reference, candidate),
                        "mean_abs_error" to Metrics.meanAbsError(reference, candidate),
                        "sqnr_db" to Metrics.sqnrDb(reference, candidate),
                        "centred_sqnr_db" to Metrics.centredSqnrDb(reference, candidate),
                        "cosine" to Metrics.cosine(reference, candidate),
                        "kl" to Metrics.kl(reference, candidate),
                        "top1_agreement" to Metrics.topKAgreement(reference, candidate, 1),
                        "top5_agreement" to Metrics.topKAgreement(reference, candidate, 5),
                    )
                val expected = vector.getValue("figures").jsonObject
                assertEquals(expected.keys, found.keys)
                expected.forEach { (name, value) -> assertClose(name, value.number(), found.getValue(name)) }
            }
        }

    @TestFactory
    fun `the verdict and its sentences are Python's`(): List<DynamicTest> =
        vectors.map { vector ->
            dynamicTest(vector.text("name")) {
                val result =
                    SelfCheck.judge(logits(vector, "reference"), logits(vector, "candidate"), tolerance(vector), head(vector))
                assertEquals(vector.text("verdict"), Json.encodeToJsonElement(Verdict.serializer(), result.verdict).jsonPrimitive.content)
                val expected = vector.getValue("reasons").jsonArray.map { it.jsonPrimitive.content }
                assertEquals(if (result.figures == null) expected.take(1) else expected, result.reasons)
                assertEquals(result.verdict == Verdict.PROVEN, result.mayBeTimed)
            }
        }

    @Test
    fun `a runner gets every golden image's pixels`() {
        val golden = listOf(1, 2, 3).map { GoldenImage("image$it", byteArrayOf(it.toByte()), floatArrayOf(it.toFloat(), 0.5f)) }
        val seen = mutableListOf<Byte>()
        val result =
            SelfCheck.run(golden, Tolerance(60.0, 1.0), Head.SOFTMAX) {
                seen += it[0]
                floatArrayOf(it[0].toFloat(), 0.5f)
            }
        assertEquals(listOf<Byte>(1, 2, 3), seen)
        assertEquals(CheckResult(Verdict.PROVEN, emptyList(), 3, result.figures), result)
        assertEquals(Double.POSITIVE_INFINITY, result.figures?.sqnrDb)
        assertEquals(null, result.toParity("golden").sqnrDb)
    }

    @Test
    fun `an output that the next run overwrites is copied`() {
        val golden = listOf(1f, 2f).map { GoldenImage("image", byteArrayOf(it.toInt().toByte()), floatArrayOf(it, -it)) }
        val shared = FloatArray(2)
        val result =
            SelfCheck.run(golden, Tolerance(60.0, 1.0), Head.SOFTMAX) {
                shared[0] = it[0].toFloat()
                shared[1] = -it[0].toFloat()
                shared
            }
        assertEquals(Verdict.PROVEN, result.verdict)
    }

    @Test
    fun `what could not run is not proven`() {
        val golden = listOf(GoldenImage("image", ByteArray(3), FloatArray(2) { 1f }))
        val bounds = Tolerance(60.0, 1.0)
        val none = SelfCheck.run(emptyList(), bounds, Head.SOFTMAX) { FloatArray(2) }
        assertEquals(Verdict.NOT_RUN to listOf("the bundle holds no golden images"), none.verdict to none.reasons)
        val missing = SelfCheck.run(golden, bounds, Head.SOFTMAX) { throw NotAvailableException("this phone has no GPU delegate") }
        assertEquals(Verdict.NOT_RUN to listOf("this phone has no GPU delegate"), missing.verdict to missing.reasons)
        val broken = SelfCheck.run(golden, bounds, Head.SOFTMAX) { error("code 504") }
        assertEquals(Verdict.BROKEN to listOf("the artifact could not run: code 504"), broken.verdict to broken.reasons)
        val short = SelfCheck.run(golden, bounds, Head.SOFTMAX) { FloatArray(1) }
        assertEquals(listOf("the artifact gave logits of sizes [1], expected [2]"), short.reasons)
        listOf(none, missing, broken, short).forEach { assertFalse(it.mayBeTimed) }
        assertFailsWith<CancellationException> {
            SelfCheck.run(golden, bounds, Head.SOFTMAX) { throw CancellationException("cancelled") }
        }
    }

    @Test
    fun `metrics refuse what cannot be compared`() {
        val one = listOf(floatArrayOf(1f, 2f))
        assertFailsWith<IllegalArgumentException> { Metrics.sqnrDb(one, listOf(floatArrayOf(1f))) }
        assertFailsWith<IllegalArgumentException> { Metrics.sqnrDb(one, one + one) }
        assertFailsWith<IllegalArgumentException> { Metrics.kl(one, listOf(floatArrayOf(1f, Float.NaN))) }
        assertFailsWith<IllegalArgumentException> { Metrics.maxAbsError(emptyList(), emptyList()) }
        assertFailsWith<IllegalArgumentException> { Metrics.topKAgreement(one, one, 0) }
    }

    @Test
    fun `among equal logits the lower class is first`() {
        assertEquals(listOf(1, 3, 0), Metrics.topClasses(floatArrayOf(0f, 2f, -1f, 2f), 3))
        assertEquals(4, Metrics.topClasses(FloatArray(4), 9).size)
        assertContentEquals(doubleArrayOf(0.5, 0.5), Metrics.softmax(floatArrayOf(100f, 100f)))
    }

    @Test
    fun `bounds are written as Python's g writes them`() {
        val written =
            mapOf(
                1e6 to "1e+06",
                1234567.0 to "1.23457e+06",
                999999.5 to "1e+06",
                123456.0 to "123456",
                0.0001 to "0.0001",
                0.00001 to "1e-05",
                -2.5e-7 to "-2.5e-07",
                1e-120 to "1e-120",
                30.0 to "30",
                0.0 to "0",
            )
        assertEquals(written.values.toList(), written.keys.map(SelfCheck::short))
    }

    private fun assertClose(
        name: String,
        expected: Double,
        found: Double,
    ) {
        if (!expected.isFinite()) return assertEquals(expected, found, name)
        assertTrue(abs(expected - found) <= 1e-9 * maxOf(abs(expected), 1e-6), "$name is $found, expected $expected")
    }

    private fun head(vector: JsonObject) = Head.valueOf(vector.text("head").uppercase())

    private fun tolerance(vector: JsonObject): Tolerance = Json.decodeFromJsonElement(Tolerance.serializer(), vector.getValue("tolerance"))

    private fun logits(
        vector: JsonObject,
        name: String,
    ): List<FloatArray> =
        vector
            .getValue(name)
            .jsonArray
            .map { it.number().toFloat() }
            .chunked(vector.int("classes"))
            .map { it.toFloatArray() }
}
