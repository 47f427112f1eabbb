package dev.levitmobile.contract

import kotlinx.serialization.KSerializer
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.intOrNull

/** A contract, a timing record or another file of a known schema that cannot be read. */
public class FormatException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** Reads and writes `contract.json`. */
public object ContractJson {
    /**
     * Read a contract of schema 1 or 2; one of schema 1 is read as what it stands for in schema 2.
     *
     * @throws FormatException The text is not JSON, has an unknown `schema_version`, a field too many, one too few, or
     *   a value out of its range.
     */
    public fun read(text: String): Contract =
        strictly("contract.json") {
            val stated = STRICT.parseToJsonElement(text)
            val version = schemaVersion(stated)
            require(version == 1 || version == Contract.SCHEMA_VERSION) { unknownVersion(stated, "1 or 2") }
            val contract = STRICT.decodeFromJsonElement(Contract.serializer(), if (version == 1) upgraded(stated) else stated)
            contract.also { it.model.sizes?.forEach(::requireNumbers) }
        }

    /** The contract as JSON of schema 2, with every field. */
    public fun write(contract: Contract): String = STRICT.encodeToString(Contract.serializer(), contract)

    private fun requireNumbers(
        name: String,
        size: JsonElement,
    ) {
        val values = if (size is JsonArray) size else listOf(size)
        val numbers = values.all { it is JsonPrimitive && !it.isString && it.content.toDoubleOrNull() != null }
        require(numbers) { "the model's size $name is $size, expected a number or a list of numbers" }
    }

    private fun upgraded(old: JsonElement): JsonElement {
        val parts = old as JsonObject
        for ((part, names) in SINCE_SCHEMA_2) {
            val found = (parts[part] as? JsonObject)?.keys.orEmpty().intersect(names)
            require(found.isEmpty()) { "$part has ${found.joinToString()}, which schema 1 does not have" }
        }
        val made = parts.toMutableMap()
        made["schema_version"] = JsonPrimitive(Contract.SCHEMA_VERSION)
        (parts["model"] as? JsonObject)?.let { made["model"] = JsonObject(mapOf("family" to JsonPrimitive("levit")) + it) }
        (parts["preprocessing"] as? JsonObject)?.let { made["preprocessing"] = JsonObject(preprocessing(it)) }
        return JsonObject(made)
    }

    private fun preprocessing(old: JsonObject): Map<String, JsonElement> {
        val resize = requireNotNull(old["resize_px"]) { "preprocessing has no resize_px" }
        val crop = requireNotNull(old["crop_px"]) { "preprocessing has no crop_px" }
        val sizes = mapOf("height" to resize, "width" to resize, "crop_height" to crop, "crop_width" to crop)
        return SCHEMA_1_PREPROCESSING + sizes + (old - setOf("resize_px", "crop_px"))
    }

    private fun numbers(vararg values: Double) = JsonArray(values.map(::JsonPrimitive))

    /** What schema 1 left unsaid, because every model that it could describe has it. */
    private val SCHEMA_1_PREPROCESSING: Map<String, JsonElement> =
        mapOf(
            "mode" to JsonPrimitive("short side"),
            "crop_rounding" to JsonPrimitive("half even"),
            "mean" to numbers(0.485, 0.456, 0.406),
            "std" to numbers(0.229, 0.224, 0.225),
            "rescale" to JsonPrimitive(1.0 / 255),
            "source" to JsonPrimitive("schema 1"),
        )

    private val SINCE_SCHEMA_2: Map<String, Set<String>> =
        mapOf(
            "model" to setOf("family", "sizes", "weights"),
            "artifact" to setOf("arithmetic"),
            "input" to setOf("memory_order"),
            "output" to setOf("head", "labels_source"),
            "preprocessing" to setOf("height", "width", "crop_height", "crop_width") + SCHEMA_1_PREPROCESSING.keys,
        )
}

/** Refuses unknown fields, lenient syntax and NaN; writes every field, also those with a default. */
internal val STRICT: Json =
    Json {
        encodeDefaults = true
        prettyPrint = true
        prettyPrintIndent = " "
    }

/** The number in `schema_version`; null if there is none. */
internal fun schemaVersion(stated: JsonElement): Int? =
    ((stated as? JsonObject)?.get("schema_version") as? JsonPrimitive)?.takeIf { !it.isString }?.intOrNull

internal fun unknownVersion(
    stated: JsonElement,
    readable: String,
): String = "schema_version is ${(stated as? JsonObject)?.get("schema_version") ?: "missing"}, expected $readable"

/** Turns whatever the parser or a `require` throws into one [FormatException] that names the file. */
internal inline fun <T> strictly(
    file: String,
    read: () -> T,
): T =
    try {
        read()
    } catch (error: IllegalArgumentException) {
        // SerializationException is one
        throw FormatException("$file: ${error.message.orEmpty().lineSequence().first()}", error)
    }

/** Reads a file of which one version exists. Throws [FormatException] with the file's name. */
internal fun <T> readVersion(
    file: String,
    version: Int,
    serializer: KSerializer<T>,
    text: String,
): T =
    strictly(file) {
        val stated = STRICT.parseToJsonElement(text)
        require(schemaVersion(stated) == version) { unknownVersion(stated, "$version") }
        STRICT.decodeFromJsonElement(serializer, stated)
    }
