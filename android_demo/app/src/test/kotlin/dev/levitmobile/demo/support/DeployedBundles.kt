package dev.levitmobile.demo.support

import android.content.Context
import android.content.res.AssetManager
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.store.BundleIndex
import dev.levitmobile.store.IndexedBundle
import dev.levitmobile.store.IndexedFile
import java.io.File
import java.security.MessageDigest
import java.util.zip.CRC32
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/**
 * Bundles in the assets of the app under test, as `levit-mobile deploy` writes them: an archive with stored files that is
 * added to the app's own assets.
 */
object DeployedBundles {
    /** The folder of the real bundles; null where they were not made. */
    val folder: File? get() = System.getProperty("levit.bundles")?.let(::File)?.takeIf { it.isDirectory }

    /** Deploy real bundles by their names. */
    fun deploy(vararg names: String) =
        deploy(names.associateWith { filesOf(File(checkNotNull(folder) { "the bundles were not made" }, it)) })

    /**
     * Deploy bundles, each with the bytes of its files by their paths.
     *
     * @param stated The entry of the index for a file.
     * @param stored The bytes that the archive holds for a file; null to leave it out.
     */
    fun deploy(
        bundles: Map<String, Map<String, ByteArray>>,
        stated: (path: String, bytes: ByteArray) -> IndexedFile = { path, bytes -> IndexedFile(path, bytes.size.toLong(), sha256(bytes)) },
        stored: (path: String, bytes: ByteArray) -> ByteArray? = { _, bytes -> bytes },
    ) {
        val entries = bundles.map { (name, files) -> IndexedBundle(name, files.map { (path, bytes) -> stated(path, bytes) }) }
        val archive = File.createTempFile("assets", ".apk")
        ZipOutputStream(archive.outputStream().buffered()).use { zip ->
            zip.store("index.json", BundleIndex(BundleIndex.SCHEMA_VERSION, entries).write().toByteArray())
            for ((name, files) in bundles) {
                for ((path, bytes) in files) stored(path, bytes)?.let { zip.store("$name/$path", it) }
            }
        }
        add(archive)
        archive.deleteOnExit()
    }

    private fun filesOf(bundle: File): Map<String, ByteArray> =
        bundle
            .walk()
            .filter { it.isFile }
            .sorted()
            .associate { it.relativeTo(bundle).path to it.readBytes() }

    internal fun sha256(bytes: ByteArray): String =
        MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

    private fun ZipOutputStream.store(
        path: String,
        bytes: ByteArray,
    ) {
        val entry = ZipEntry("assets/bundles/$path")
        entry.method = ZipEntry.STORED
        entry.size = bytes.size.toLong()
        entry.crc = CRC32().apply { update(bytes) }.value
        putNextEntry(entry)
        write(bytes)
    }

    private fun add(archive: File) {
        val context = ApplicationProvider.getApplicationContext<Context>()
        val cookie = AssetManager::class.java.getMethod("addAssetPath", String::class.java).invoke(context.assets, archive.path)
        check(cookie != 0) { "the archive was not added to the assets" }
    }
}
