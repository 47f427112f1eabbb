package dev.levitmobile.store

import dev.levitmobile.TestData
import dev.levitmobile.assertSameJson
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.FormatException
import dev.levitmobile.text
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.concurrent.CountDownLatch
import kotlin.concurrent.thread
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertTrue

class StoreTest {
    @TempDir
    lateinit var folder: File

    private val files = mutableMapOf("contract.json" to "{}".toByteArray(), "golden/a.rgb8" to ByteArray(70_000) { it.toByte() })
    private val opened = mutableListOf<String>()
    private val root get() = File(folder, "bundles")
    private val store get() = BundleStore(root)

    private fun indexed(name: String = "one") =
        IndexedBundle(name, files.map { (path, bytes) -> IndexedFile(path, bytes.size.toLong(), sha256(bytes)) })

    private fun open(path: String): InputStream = files.getValue(path).inputStream().also { opened += path }

    @Test
    fun `a bundle is copied once`() {
        val bundle = indexed()
        val first = store.install(bundle, ::open)
        assertContentEquals(files["golden/a.rgb8"], File(first, "golden/a.rgb8").readBytes())
        assertEquals(first, store.install(bundle, ::open))
        assertEquals(2, opened.size)
        assertEquals(first, store.find(bundle))
        assertEquals(listOf(first), store.installed())
        store.verify(bundle)
    }

    @Test
    fun `two stores of one folder copy a bundle once`() {
        val bundle = indexed()
        val started = CountDownLatch(1)
        val other =
            thread(start = false) {
                started.countDown()
                BundleStore(root).install(bundle, ::open)
            }
        val installed =
            store.install(bundle) { path ->
                if (opened.isEmpty()) {
                    other.start()
                    started.await()
                }
                open(path)
            }
        other.join()
        assertEquals(files.size, opened.size)
        assertEquals(listOf(installed), store.installed())
    }

    @Test
    fun `a changed bundle replaces the old one`() {
        val old = store.install(indexed(), ::open)
        files["contract.json"] = "{ }".toByteArray()
        val new = store.install(indexed(), ::open)
        assertEquals(listOf(new), store.installed())
        assertTrue(!old.exists())
    }

    @Test
    fun `a former version that a killed process left behind is removed`() {
        val current = store.install(indexed(), ::open)
        File(root, "one@000000000000").mkdirs()
        val other = File(root, "other@000000000000").apply { mkdirs() }
        store.install(indexed(), ::open)
        assertEquals(listOf(current, other), store.installed())
    }

    @Test
    fun `a copy that ends early is never seen and removed later`() {
        val cut = { path: String -> open(path).let { if (path.startsWith("golden")) it.readNBytes(100).inputStream() else it } }
        val error = assertFailsWith<DamagedBundleException> { store.install(indexed(), cut) }
        assertEquals("golden/a.rgb8 has 100 bytes, expected 70000", error.message)
        assertEquals(emptyList(), store.installed())
        assertEquals(emptyList(), root.list().orEmpty().toList())
        val left = File(root, ".part-one@0123").apply { mkdirs() } // as a killed process leaves it
        File(left, "contract.json").writeText("{")
        assertEquals(emptyList(), store.installed())
        store.install(indexed(), ::open)
        assertTrue(!left.exists())
    }

    @Test
    fun `a file of another content is refused`() {
        val bundle = indexed()
        files["contract.json"] = "[]".toByteArray()
        assertFailsWith<DamagedBundleException> { store.install(bundle, ::open) }
        assertEquals(null, store.find(bundle))
    }

    @Test
    fun `a full disk is named, before the copy and during it`() {
        val before = assertFailsWith<DiskFullException> { BundleStore(root) { 1000 }.install(indexed(), ::open) }
        assertEquals(70_002, before.neededBytes)
        assertEquals(emptyList(), opened)
        var free = Long.MAX_VALUE / 2
        val during =
            BundleStore(root) { free }.let { full ->
                assertFailsWith<DiskFullException> {
                    full.install(indexed()) {
                        free = 0
                        throw IOException("No space left on device")
                    }
                }
            }
        assertEquals(70_002, during.neededBytes)
        assertFailsWith<IOException> { BundleStore(root).install(indexed()) { throw IOException("gone") } }
        assertEquals(emptyList(), root.list().orEmpty().toList())
    }

    @Test
    fun `a file that changed after the copy is found, and the bundle can be copied anew`() {
        val bundle = indexed()
        val installed = store.install(bundle, ::open)
        File(installed, "contract.json").writeText("{x")
        assertFailsWith<DamagedBundleException> { store.verify(bundle) }
        store.remove(bundle)
        assertEquals(null, store.find(bundle))
        store.install(bundle, ::open)
        store.verify(bundle)
        File(installed, "golden/a.rgb8").delete()
        assertFailsWith<DamagedBundleException> { store.verify(bundle) }
    }

    @Test
    fun `an index survives JSON and refuses paths that leave the folder`() {
        val index = BundleIndex(1, listOf(indexed(), indexed("two")))
        assertEquals(index, BundleIndex.read(index.write()))
        for (path in listOf("../x", "/etc/passwd", "a//b", "a/../../b", "", ".", "a\\b")) {
            assertFailsWith<IllegalArgumentException>(path) { IndexedFile(path, 1, "0".repeat(64)) }
        }
        assertFailsWith<IllegalArgumentException> { IndexedBundle("..", emptyList()) }
        assertFailsWith<IllegalArgumentException> { BundleIndex(1, listOf(indexed(), indexed())) }
        assertFailsWith<FormatException> { BundleIndex.read("""{"schema_version": 2, "bundles": []}""") }
        assertFailsWith<FormatException> { BundleIndex.read("""{"schema_version": 1, "bundles": [], "x": 1}""") }
    }

    @Test
    fun `an accepted index survives reading and writing`() {
        for (entry in indexes("accepted")) {
            val index = BundleIndex.read(TestData.text(entry.text("file")))
            assertSameJson(TestData.index(entry.text("file")), Json.parseToJsonElement(index.write()))
        }
    }

    @Test
    fun `a damaged index is refused`() {
        for (entry in indexes("refused")) {
            assertFailsWith<FormatException>(entry.text("name")) { BundleIndex.read(entry.getValue("content").toString()) }
        }
    }

    @Test
    fun `a bundle is opened with its labels and golden images`() {
        val bundle = Bundle.open(written())
        assertEquals(listOf("cat", "dog", "größer"), bundle.labels)
        assertEquals(
            27,
            bundle.golden
                .single()
                .pixels.size,
        )
        assertContentEquals(floatArrayOf(1f, -2f, 0.5f), bundle.golden.single().logits)
        assertEquals("model.tflite", bundle.artifact.name)
        assertEquals(sha256(File(bundle.folder, "contract.json").readBytes()), bundle.contractSha256)
    }

    @Test
    fun `a bundle that is not what its contract states is refused`() {
        for (name in listOf("model.tflite", "labels.txt", "picture.rgb8", "picture.f32")) {
            val changed = written().also { File(it, name).appendText("x") }
            assertFailsWith<DamagedBundleException>(name) { Bundle.open(changed) }
            val short = written().also { File(it, name).delete() }
            assertFailsWith<DamagedBundleException>(name) { Bundle.open(short) }
        }
        assertFailsWith<DamagedBundleException> { Bundle.open(written().also { File(it, "contract.json").writeText("{}") }) }
        assertFailsWith<DamagedBundleException> { Bundle.open(written(mapOf("file" to JsonPrimitive("../model.tflite")))) }
        assertFailsWith<DamagedBundleException> { Bundle.open(File(folder, "nowhere")) }
    }

    @Test
    fun `a bundle for iOS is not called damaged`() {
        val apple = written(mapOf("file" to JsonPrimitive("model.mlpackage")))
        val error = assertFailsWith<UnsupportedBundleException> { Bundle.open(apple) }
        assertEquals("bundle has model.mlpackage, expected a .tflite or .pte file", error.message)
    }

    /** A small bundle; [artifact] changes the contract's statements about the file. */
    private fun written(artifact: Map<String, JsonElement> = emptyMap()): File {
        val made = File(folder, "bundle").apply { deleteRecursively() }.apply { mkdirs() }
        val logits =
            ByteBuffer
                .allocate(12)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(1f)
                .putFloat(-2f)
                .putFloat(0.5f)
        val parts =
            mapOf(
                "model.tflite" to ByteArray(9),
                "labels.txt" to "cat\ndog\ngrößer\n".toByteArray(),
                "picture.rgb8" to ByteArray(27) { it.toByte() },
                "picture.f32" to logits.array(),
            )
        parts.forEach { (name, bytes) -> File(made, name).writeBytes(bytes) }
        val digests = parts.mapValues { JsonPrimitive(sha256(it.value)) }
        val base = TestData.index("contracts/complete.json")
        val golden =
            base.getValue("golden").jsonArray[0].jsonObject +
                mapOf(
                    "rgb8_file" to JsonPrimitive("picture.rgb8"),
                    "rgb8_sha256" to digests.getValue("picture.rgb8"),
                    "logits_file" to JsonPrimitive("picture.f32"),
                    "logits_sha256" to digests.getValue("picture.f32"),
                )
        val fields =
            base +
                mapOf(
                    "artifact" to JsonObject(base.part("artifact") + ("sha256" to digests.getValue("model.tflite")) + artifact),
                    "output" to JsonObject(base.part("output") + ("labels_sha256" to digests.getValue("labels.txt"))),
                    "golden" to kotlinx.serialization.json.JsonArray(listOf(JsonObject(golden))),
                )
        File(made, "contract.json").writeText(ContractJson.write(ContractJson.read(JsonObject(fields).toString())))
        return made
    }

    private fun indexes(kind: String): List<JsonObject> {
        val listed = TestData.index("indexes.json").getValue(kind)
        return listed.jsonArray.map { it.jsonObject }
    }

    private fun JsonObject.part(name: String): JsonObject = getValue(name).jsonObject
}
