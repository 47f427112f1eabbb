package dev.levitmobile.store

import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.STRICT
import dev.levitmobile.contract.readVersion
import dev.levitmobile.contract.requireDigest
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/**
 * The bundles that an app brings along: `bundles/index.json` in its assets, written by `levit-mobile deploy`.
 *
 * @property bundles One entry per bundle.
 */
@Serializable
public data class BundleIndex(
    @SerialName("schema_version") val schemaVersion: Int,
    val bundles: List<IndexedBundle>,
) {
    init {
        require(bundles.map { it.name }.toSet().size == bundles.size) { "two bundles have the same name" }
    }

    /** The index as JSON. */
    public fun write(): String = STRICT.encodeToString(serializer(), this)

    public companion object {
        /** The version that is read and written. */
        public const val SCHEMA_VERSION: Int = 1

        /**
         * Read an index.
         *
         * @throws FormatException The text is not JSON, has an unknown `schema_version` or field, or a path that leaves
         *   the bundle's folder.
         */
        public fun read(text: String): BundleIndex = readVersion("the index of bundles", SCHEMA_VERSION, serializer(), text)
    }
}

/**
 * One bundle of the index.
 *
 * @property name Name of its folder, such as `levit_128s-tflite-int8`.
 * @property files All files of the bundle.
 */
@Serializable
public data class IndexedBundle(
    val name: String,
    val files: List<IndexedFile>,
) {
    init {
        require(isPlain(name)) { "the bundle's name is $name, expected one folder's name" }
        require(files.map { it.path }.toSet().size == files.size) { "two files of $name have the same path" }
    }
}

/**
 * One file of a bundle.
 *
 * @property path Path below the bundle's folder, with `/` between folders.
 * @property bytes Size in bytes.
 * @property sha256 SHA-256 of the file.
 */
@Serializable
public data class IndexedFile(
    val path: String,
    val bytes: Long,
    val sha256: String,
) {
    init {
        require(isInside(path)) { "the path is $path, expected one below the bundle's folder" }
        require(bytes >= 0) { "$path has $bytes bytes, expected 0 or more" }
        requireDigest("sha256", sha256)
    }
}

/** Whether a relative path stays below its folder. */
internal fun isInside(path: String): Boolean = path.split("/").all(::isPlain)

private fun isPlain(name: String): Boolean = name.isNotEmpty() && name != "." && name != ".." && name.none { it in "/\\\u0000" }
