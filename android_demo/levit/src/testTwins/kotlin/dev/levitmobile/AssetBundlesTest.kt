package dev.levitmobile

import android.content.Context
import android.content.res.AssetManager
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.Verdict
import dev.levitmobile.store.BundleIndex
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.IndexedBundle
import dev.levitmobile.store.IndexedFile
import kotlinx.coroutines.runBlocking
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import java.io.File
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

/** Bundles in the assets of an app, copied and opened. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [36])
class AssetBundlesTest {
    @get:Rule
    val temporary = TemporaryFolder()

    private val context: Context get() = ApplicationProvider.getApplicationContext()
    private val name = TestBundles.LITERT

    @Before
    fun bundlesExist() = assumeTrue(TestBundles.names.isNotEmpty())

    @Test
    fun `an app without bundles has an empty index, and the name is refused`(): Unit =
        runBlocking {
            assertEquals(emptyList(), AssetBundles(context).index().bundles)
            val error = assertFailsWith<NoSuchElementException> { AssetBundles(context).install(name) }
            assertContains(error.message.orEmpty(), name)
        }

    @Test
    fun `a bundle is copied once, byte for byte, to a folder without backup`(): Unit =
        runBlocking {
            deploy()
            val bundles = AssetBundles(context)
            assertEquals(listOf(name), bundles.index().bundles.map { it.name })
            val folder = bundles.install(name)
            assertTrue(folder.startsWith(context.noBackupFilesDir), folder.path)
            assertEquals(digests(TestBundles.folder(name)), digests(folder))
            val written = File(folder, "contract.json").apply { setLastModified(1_000_000) }
            assertEquals(folder, AssetBundles(context).installBlocking(name))
            assertEquals(1_000_000, written.lastModified())
        }

    @Test
    fun `a bundle opens by its name, in both forms`(): Unit =
        runBlocking {
            deploy()
            LevitClassifier.open(context, name).use { assertEquals(Verdict.PROVEN, it.check.verdict) }
            LevitClassifier.openBlocking(context, name, threads = 2).use { assertEquals(2, it.threads) }
        }

    @Test
    fun `a file of the assets that is not the index's leaves nothing behind`(): Unit =
        runBlocking {
            deploy { path, bytes -> if (path == "model.tflite") bytes.copyOf().also { it[9] = (it[9] + 1).toByte() } else bytes }
            assertContains(
                assertFailsWith<DamagedBundleException> { AssetBundles(context).install(name) }.message.orEmpty(),
                "model.tflite",
            )
            assertEquals(emptyList(), AssetBundles(context).store.installed())
        }

    @Test
    fun `an index of another version is refused`(): Unit =
        runBlocking {
            add(mapOf("index.json" to """{"schema_version": 99, "bundles": []}""".toByteArray()))
            assertFailsWith<FormatException> { AssetBundles(context).index() }
        }

    private fun deploy(stored: (path: String, bytes: ByteArray) -> ByteArray = { _, bytes -> bytes }) {
        val files = filesOf(TestBundles.folder(name))
        val entries = files.map { (path, file) -> IndexedFile(path, file.length(), TestBundles.sha256(file)) }
        val index = BundleIndex(BundleIndex.SCHEMA_VERSION, listOf(IndexedBundle(name, entries)))
        add(
            mapOf("index.json" to index.write().toByteArray()) +
                files.map { (path, file) -> "$name/$path" to stored(path, file.readBytes()) },
        )
    }

    private fun add(files: Map<String, ByteArray>) {
        val archive = temporary.newFile("assets.apk")
        ZipOutputStream(archive.outputStream().buffered()).use { zip ->
            for ((path, bytes) in files) {
                zip.putNextEntry(ZipEntry("assets/bundles/$path"))
                zip.write(bytes)
            }
        }
        val cookie = AssetManager::class.java.getMethod("addAssetPath", String::class.java).invoke(context.assets, archive.path)
        check(cookie != 0) { "the archive was not added to the assets" }
    }

    private fun digests(folder: File) = filesOf(folder).mapValues { TestBundles.sha256(it.value) }

    private fun filesOf(folder: File): Map<String, File> =
        folder
            .walk()
            .filter { it.isFile }
            .associateBy { it.relativeTo(folder).path }
            .toSortedMap()
}
