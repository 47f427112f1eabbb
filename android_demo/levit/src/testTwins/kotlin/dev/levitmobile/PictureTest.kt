package dev.levitmobile

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.Color
import android.net.Uri
import androidx.exifinterface.media.ExifInterface
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.image.ArgbFrame
import dev.levitmobile.image.Orientation
import kotlinx.coroutines.runBlocking
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.InputStream
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertFalse
import kotlin.test.assertTrue

/** Bitmaps and pictures behind a Uri: what reaches the runtime is what the core alone makes of them. */
class PictureTest : ClassifierCase() {
    @get:Rule
    val temporary = TemporaryFolder()

    private val context get() = ApplicationProvider.getApplicationContext<android.content.Context>()

    @Test
    fun `a held-out digit gets Python's logits and its class`(): Unit =
        runBlocking {
            val digit = bitmap(TestBundles.digits[0], 256, 256)
            val result = classifier.classify(digit)
            assertContentEquals(TestBundles.prepared[0], runner.pixels)
            val expected = TestBundles.expected(TestBundles.LITERT)[0]
            assertEquals(5, result.classes.size)
            result.classes.forEach { assertEquals(expected[it.index], it.logit, "class ${it.label}") }
            assertEquals(expected.indices.maxByOrNull { expected[it] }, result.classes[0].index)
            assertTrue(result.preprocessMs > 0 && result.inferenceMs > 0)
        }

    @Test
    fun `bitmaps of every configuration are read, and of every orientation`(): Unit =
        runBlocking {
            for (config in listOf(Bitmap.Config.ARGB_8888, Bitmap.Config.RGB_565, Bitmap.Config.RGBA_F16)) {
                val bitmap = pattern(300, 200).copy(config, false)
                for (orientation in Orientation.entries) {
                    classifier.classify(bitmap, orientation)
                    assertContentEquals(prepared(bitmap, orientation), runner.pixels, "$config, $orientation")
                }
            }
        }

    @Test
    @Config(shadows = [HardwareBitmaps::class])
    fun `a hardware bitmap is read through a copy, and left as it is`(): Unit =
        runBlocking {
            val expected = prepared(pattern(300, 200), Orientation.TURNED_90)
            val hardware = pattern(300, 200).also { HardwareBitmaps.hold(it) }
            assertEquals(Bitmap.Config.HARDWARE, hardware.config)
            assertFailsWith<IllegalStateException> { hardware.getPixel(0, 0) }
            classifier.classify(hardware, Orientation.TURNED_90)
            assertContentEquals(expected, runner.pixels)
            assertFalse(hardware.isRecycled)
        }

    @Test
    fun `transparent pictures are laid over white`(): Unit =
        runBlocking {
            val clear = Bitmap.createBitmap(64, 64, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.TRANSPARENT) }
            classifier.classify(clear)
            assertTrue(runner.pixels.all { it == 255.toByte() })
        }

    @Test
    fun `a JPEG is turned once by its EXIF orientation, whatever it is`(): Unit =
        runBlocking {
            for (orientation in Orientation.entries) {
                val file = jpeg(orientation)
                classifier.classify(context, uriOf(file.readBytes()))
                val stored = BitmapFactory.decodeFile(file.path)
                assertEquals(320 to 240, stored.width to stored.height, "the decoder leaves the picture as it is stored")
                assertContentEquals(prepared(stored, orientation), runner.pixels, "$orientation")
            }
        }

    @Test
    fun `a PNG with alpha keeps its colours exactly`(): Unit =
        runBlocking {
            val pixels = IntArray(256 * 256) { Color.argb(it % 256, 200, 100, it / 256) }
            val bitmap = Bitmap.createBitmap(256, 256, Bitmap.Config.ARGB_8888)
            bitmap.setPremultiplied(false)
            bitmap.setPixels(pixels, 0, 256, 0, 0, 256, 256)
            val bytes = ByteArrayOutputStream().also { bitmap.compress(Bitmap.CompressFormat.PNG, 100, it) }.toByteArray()
            classifier.classify(context, uriOf(bytes))
            assertContentEquals(prepared(ArgbFrame(pixels, 256, 256)), runner.pixels)
        }

    @Test
    fun `the blocking forms give the same`() {
        val bitmap = pattern(300, 200)
        val suspended = runBlocking { classifier.classify(bitmap, k = 3) }
        assertEquals(suspended.classes, classifier.classifyBlocking(bitmap, k = 3).classes)
        val file = jpeg(Orientation.TURNED_90).readBytes()
        val fromUri = runBlocking { classifier.classify(context, uriOf(file), k = 10) }
        assertEquals(fromUri.classes, classifier.classifyBlocking(context, uriOf(file), k = 10).classes)
        assertEquals(10, fromUri.classes.size)
    }

    @Test
    fun `what is no picture is refused in words, and the classifier still works`(): Unit =
        runBlocking {
            val cases =
                mapOf(
                    "not a picture" to "text".toByteArray(),
                    "damaged" to jpeg(Orientation.UPRIGHT).readBytes().copyOf(300),
                    "empty" to ByteArray(0),
                )
            for ((name, bytes) in cases) {
                assertFailsWith<UnreadablePictureException>(name) { classifier.classify(context, uriOf(bytes)) }
            }
            val gone = Uri.parse("content://dev.levitmobile.nobody/1")
            shadowOf(context.contentResolver).registerInputStreamSupplier(gone) { throw SecurityException("no longer granted") }
            assertContains(
                assertFailsWith<UnreadablePictureException> { classifier.classify(context, gone) }.message.orEmpty(),
                "may not open",
            )
            assertFailsWith<IllegalArgumentException> { classifier.classify(pattern(8, 8), k = 0) }
            assertEquals(1, classifier.classify(pattern(8, 8), k = 1).classes.size)
        }

    @Test
    fun `a recycled bitmap is refused`(): Unit =
        runBlocking {
            val bitmap = pattern(8, 8).apply { recycle() }
            assertContains(assertFailsWith<IllegalArgumentException> { classifier.classify(bitmap) }.message.orEmpty(), "recycled")
        }

    private fun jpeg(orientation: Orientation): File {
        val file = temporary.newFile()
        file.outputStream().use { pattern(320, 240).compress(Bitmap.CompressFormat.JPEG, 95, it) }
        ExifInterface(file).apply {
            setAttribute(ExifInterface.TAG_ORIENTATION, orientation.exif.toString())
            saveAttributes()
        }
        return file
    }

    /** A provider that opens its stream once, as some do. */
    private fun uriOf(bytes: ByteArray): Uri {
        val uri = Uri.parse("content://dev.levitmobile.test/${System.nanoTime()}")
        val stream: InputStream = ByteArrayInputStream(bytes)
        shadowOf(context.contentResolver).registerInputStream(uri, stream)
        return uri
    }

    private fun bitmap(
        rgb: ByteArray,
        width: Int,
        height: Int,
    ): Bitmap {
        val colours =
            IntArray(width * height) {
                Color.rgb(
                    rgb[3 * it].toInt() and 255,
                    rgb[3 * it + 1].toInt() and 255,
                    rgb[3 * it + 2].toInt() and 255,
                )
            }
        return Bitmap.createBitmap(colours, width, height, Bitmap.Config.ARGB_8888)
    }
}
