package dev.levitmobile.contract

import dev.levitmobile.SchemaClasses
import dev.levitmobile.TestData
import dev.levitmobile.assertSameJson
import dev.levitmobile.text
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class ContractTest {
    private val index = TestData.index("contracts.json")

    @TestFactory
    fun `an accepted contract survives reading and writing`(): List<DynamicTest> =
        index.getValue("accepted").jsonArray.map { it.jsonObject }.map { entry ->
            dynamicTest(entry.text("name")) {
                val contract = ContractJson.read(TestData.text(entry.text("file")))
                assertEquals(contract, ContractJson.read(ContractJson.write(contract)))
                val equals = entry.getValue("equals") as? JsonPrimitive ?: JsonNull
                if (equals !is JsonNull) assertSameJson(TestData.index(equals.content), written(contract))
            }
        }

    @Test
    fun `the complete contract is written as it was, with every field`() {
        val contract = ContractJson.read(TestData.text("contracts/complete.json"))
        assertSameJson(TestData.index("contracts/complete.json"), written(contract))
    }

    @TestFactory
    fun `a damaged contract is refused`(): List<DynamicTest> =
        index.getValue("refused").jsonArray.map { it.jsonObject }.map { entry ->
            dynamicTest("${entry.text("name")}: ${entry.text("why")}") {
                val error = assertFailsWith<FormatException> { ContractJson.read(entry.getValue("content").toString()) }
                assertTrue(error.message.orEmpty().startsWith("contract.json: "))
            }
        }

    @Test
    fun `an unknown version is named`() {
        val error = assertFailsWith<FormatException> { ContractJson.read("""{"schema_version": 3}""") }
        assertEquals("contract.json: schema_version is 3, expected 1 or 2", error.message)
    }

    @Test
    fun `a digest that is not 64 hexadecimal digits is refused`() {
        val complete = TestData.text("contracts/complete.json")
        for (digest in listOf("5f5f", "5F".repeat(32), "5g".repeat(32))) {
            assertFailsWith<FormatException>(digest) { ContractJson.read(complete.replaceFirst("5f".repeat(32), digest)) }
        }
    }

    @Test
    fun `text that is not strict JSON is refused`() {
        val complete = TestData.text("contracts/complete.json")
        for (text in listOf("", "[]", "null", complete.dropLast(3), complete.replace("0.5", "NaN"), "$complete x")) {
            assertFailsWith<FormatException>(text.take(40)) { ContractJson.read(text) }
        }
    }

    @Test
    fun `the classes have the schema's fields, and the same of them are optional`() {
        SchemaClasses.check(Contract.serializer().descriptor, TestData.schema("contract"))
    }

    private fun written(contract: Contract) = Json.parseToJsonElement(ContractJson.write(contract))
}
