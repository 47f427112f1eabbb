package dev.levitmobile.demo.support

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.graphics.Bitmap
import android.graphics.Color
import android.net.Uri
import android.os.ParcelFileDescriptor
import androidx.exifinterface.media.ExifInterface
import androidx.test.core.app.ApplicationProvider
import org.robolectric.Robolectric
import java.io.File

/** Pictures that another app offers, behind `content:` addresses. */
object Pictures {
    private const val AUTHORITY = "org.example.pictures"
    private const val JPEG_QUALITY = 95

    /** Offer the bytes of a file that no decoder reads. */
    fun unreadable(): Uri = offer("text.jpg") { it.writeText("no picture at all") }

    /** Offer a JPEG of a bitmap, with an EXIF orientation from 1 to 8. */
    fun jpeg(
        bitmap: Bitmap,
        orientation: Int = ExifInterface.ORIENTATION_NORMAL,
        name: String = "picture-$orientation.jpg",
    ): Uri =
        offer(name) { file ->
            file.outputStream().use { check(bitmap.compress(Bitmap.CompressFormat.JPEG, JPEG_QUALITY, it)) }
            ExifInterface(file).run {
                setAttribute(ExifInterface.TAG_ORIENTATION, orientation.toString())
                saveAttributes()
            }
        }

    /** Offer a PNG of a bitmap, which loses nothing. */
    fun png(
        bitmap: Bitmap,
        name: String = "picture.png",
    ): Uri = offer(name) { file -> file.outputStream().use { check(bitmap.compress(Bitmap.CompressFormat.PNG, JPEG_QUALITY, it)) } }

    /** Offer a picture that has an orientation. */
    fun sample(): Uri = jpeg(quarters(640, 480), ExifInterface.ORIENTATION_ROTATE_90)

    /** A picture whose quarters are red, green, blue and white, from the top left to the bottom right. */
    fun quarters(
        width: Int,
        height: Int,
    ): Bitmap {
        val pixels =
            IntArray(width * height) { at ->
                val right = at % width >= width / 2
                if (at / width < height / 2) (if (right) Color.GREEN else Color.RED) else (if (right) Color.WHITE else Color.BLUE)
            }
        return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
    }

    /** A bitmap of RGB bytes, row by row. */
    fun ofRgb(
        rgb: ByteArray,
        width: Int,
        height: Int,
    ): Bitmap {
        val pixels =
            IntArray(width * height) {
                Color.rgb(
                    rgb[3 * it].toInt() and 0xff,
                    rgb[3 * it + 1].toInt() and 0xff,
                    rgb[3 * it + 2].toInt() and 0xff,
                )
            }
        return Bitmap.createBitmap(pixels, width, height, Bitmap.Config.ARGB_8888)
    }

    private fun offer(
        name: String,
        write: (File) -> Unit,
    ): Uri {
        Robolectric.buildContentProvider(PictureProvider::class.java).create(AUTHORITY)
        write(fileOf(name))
        return Uri.parse("content://$AUTHORITY/$name")
    }

    internal fun fileOf(name: String): File = File(ApplicationProvider.getApplicationContext<Context>().cacheDir, name)
}

/** The app that offers the pictures. */
class PictureProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun openFile(
        uri: Uri,
        mode: String,
    ): ParcelFileDescriptor = ParcelFileDescriptor.open(Pictures.fileOf(uri.lastPathSegment.orEmpty()), ParcelFileDescriptor.MODE_READ_ONLY)

    override fun getType(uri: Uri): String = "image/*"

    override fun query(
        uri: Uri,
        projection: Array<String>?,
        selection: String?,
        arguments: Array<String>?,
        order: String?,
    ): Cursor? = null

    override fun insert(
        uri: Uri,
        values: ContentValues?,
    ): Uri? = null

    override fun delete(
        uri: Uri,
        selection: String?,
        arguments: Array<String>?,
    ): Int = 0

    override fun update(
        uri: Uri,
        values: ContentValues?,
        selection: String?,
        arguments: Array<String>?,
    ): Int = 0
}
