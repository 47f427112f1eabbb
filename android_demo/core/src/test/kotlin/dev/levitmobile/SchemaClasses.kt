package dev.levitmobile

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.descriptors.PolymorphicKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/** Compares serializable classes with a JSON schema: names, which are optional, which may be null, and the words of enums. */
@OptIn(ExperimentalSerializationApi::class)
object SchemaClasses {
    fun check(
        type: SerialDescriptor,
        root: JsonObject,
    ) = check(type, root, root, type.serialName.substringAfterLast('.'))

    private fun check(
        type: SerialDescriptor,
        stated: JsonObject,
        root: JsonObject,
        path: String,
    ) {
        val schema = resolved(stated, root)
        assertEquals(nullable(stated, root), type.isNullable, "$path: may be null")
        when (type.kind) {
            StructureKind.CLASS -> checkClass(type, schema, root, path)
            StructureKind.LIST -> items(schema)?.let { check(type.getElementDescriptor(0), it, root, "$path[]") }
            StructureKind.MAP -> checkMap(type, schema, root, path)
            SerialKind.ENUM -> assertEquals(words(schema), names(type), path)
            else -> Unit
        }
    }

    private fun checkClass(
        type: SerialDescriptor,
        schema: JsonObject,
        root: JsonObject,
        path: String,
    ) {
        val fields = schema.getValue("properties").jsonObject
        assertEquals(fields.keys.sorted(), names(type).sorted(), "$path: fields")
        val required = (schema["required"] as? JsonArray).orEmpty().map { it.jsonPrimitive.content }
        for (place in 0 until type.elementsCount) {
            val name = type.getElementName(place)
            assertEquals(name !in required, type.isElementOptional(place), "$path.$name: optional")
            check(type.getElementDescriptor(place), fields.getValue(name).jsonObject, root, "$path.$name")
        }
    }

    private fun checkMap(
        type: SerialDescriptor,
        schema: JsonObject,
        root: JsonObject,
        path: String,
    ) {
        val values = schema.getValue("additionalProperties").jsonObject
        val of = type.getElementDescriptor(1)
        if (of.kind !is PolymorphicKind) check(of, values, root, "$path{}") // a JsonElement is checked where it is read
        assertTrue(values.isNotEmpty(), path)
    }

    private fun names(type: SerialDescriptor) = List(type.elementsCount, type::getElementName)

    private fun words(schema: JsonObject): List<String> =
        (schema["enum"]?.jsonArray ?: listOf(schema.getValue("const"))).map { it.jsonPrimitive.content }

    private fun items(schema: JsonObject): JsonObject? = (schema["items"] ?: schema["prefixItems"]?.jsonArray?.first())?.jsonObject

    private fun alternatives(schema: JsonObject) = schema["anyOf"]?.jsonArray?.map { it.jsonObject }

    private fun isNull(schema: JsonObject) = schema["type"]?.jsonPrimitive?.content == "null"

    private fun nullable(
        schema: JsonObject,
        root: JsonObject,
    ): Boolean = alternatives(referred(schema, root)).orEmpty().any(::isNull)

    private fun resolved(
        schema: JsonObject,
        root: JsonObject,
    ): JsonObject {
        val found = referred(schema, root)
        return alternatives(found)?.first { !isNull(it) }?.let { resolved(it, root) } ?: found
    }

    private fun referred(
        schema: JsonObject,
        root: JsonObject,
    ): JsonObject {
        val name = schema["\$ref"]?.jsonPrimitive?.content ?: return schema
        return root
            .getValue("\$defs")
            .jsonObject
            .getValue(name.substringAfterLast('/'))
            .jsonObject
    }
}
