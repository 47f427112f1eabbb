package dev.levitmobile

import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.Preprocessing
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import java.io.File
import kotlin.test.assertEquals

/** The vectors that the Python, Kotlin and Swift tests share. */
object TestData {
    private val folder = File(requireNotNull(System.getProperty("levit.testdata")) { "levit.testdata is not set" })
    private val schemas = File(requireNotNull(System.getProperty("levit.schemas")) { "levit.schemas is not set" })

    fun text(name: String): String = File(folder, name).readText()

    fun bytes(name: String): ByteArray = File(folder, name).readBytes()

    fun entries(name: String): List<JsonObject> = Json.parseToJsonElement(text(name)).jsonArray.map { it.jsonObject }

    fun index(name: String): JsonObject = Json.parseToJsonElement(text(name)).jsonObject

    fun schema(name: String): JsonObject = Json.parseToJsonElement(File(schemas, "$name.schema.json").readText()).jsonObject

    /** Bytes of the generator that the vectors name by its seed. */
    fun drawn(
        seed: Long,
        count: Int,
    ): ByteArray {
        var state = seed
        return ByteArray(count) {
            state = (1664525 * state + 1013904223) and 0xFFFFFFFFL
            (state shr 24).toByte()
        }
    }

    /** The deciding fields of a vector, with the others as in the complete contract. */
    fun preprocessing(stated: JsonObject): Preprocessing {
        val complete = index("contracts/complete.json")
        val fields = complete.getValue("preprocessing").jsonObject + stated
        val contract = JsonObject(complete + ("preprocessing" to JsonObject(fields)))
        return ContractJson.read(contract.toString()).preprocessing
    }
}

fun JsonObject.text(name: String): String = getValue(name).jsonPrimitive.content

fun JsonObject.int(name: String): Int = getValue(name).jsonPrimitive.int

fun JsonObject.long(name: String): Long = getValue(name).jsonPrimitive.long

/** A number, or the name of one that JSON does not have. */
fun JsonElement.number(): Double = jsonPrimitive.content.toDoubleOrNull() ?: jsonPrimitive.double

/** Compares JSON by value: 5e-05 is 0.00005, and the order of fields does not count. */
fun assertSameJson(
    expected: JsonElement,
    found: JsonElement,
    path: String = "",
) {
    when {
        expected is JsonObject && found is JsonObject -> {
            assertEquals(expected.keys.sorted(), found.keys.sorted(), path)
            expected.forEach { (name, value) -> assertSameJson(value, found.getValue(name), "$path.$name") }
        }

        expected is JsonArray && found is JsonArray -> {
            assertEquals(expected.size, found.size, path)
            expected.zip(found).forEachIndexed { place, (one, other) -> assertSameJson(one, other, "$path[$place]") }
        }

        isNumber(expected) && isNumber(found) -> assertEquals(expected.number(), found.number(), path)
        else -> assertEquals(expected, found, path)
    }
}

private fun isNumber(value: JsonElement): Boolean =
    value is JsonPrimitive && value !is JsonNull && !value.isString && value.content.toDoubleOrNull() != null
