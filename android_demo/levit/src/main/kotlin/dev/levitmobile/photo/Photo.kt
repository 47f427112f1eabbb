package dev.levitmobile.photo

import android.content.ContentResolver
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import android.net.Uri
import androidx.exifinterface.media.ExifInterface
import dev.levitmobile.UnreadablePictureException
import dev.levitmobile.image.Orientation
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream

/**
 * A decoded picture as it is stored, and how it must be turned.
 *
 * BitmapFactory leaves a picture as it is stored, on every version of Android, so the orientation is applied once.
 */
internal class Photo(
    val bitmap: Bitmap,
    val orientation: Orientation,
)

/** Pixels of the largest picture that is decoded as it is; reading it takes 7 bytes of the heap per pixel. */
internal const val MOST_PIXELS = 1L shl 24

/** Bytes of the largest file that is read. */
private const val MOST_BYTES = 64 shl 20

/**
 * Read and decode a picture. The stream is opened once, because some providers offer it once.
 *
 * @throws UnreadablePictureException It cannot be opened or decoded.
 */
internal fun readPhoto(
    resolver: ContentResolver,
    uri: Uri,
): Photo {
    val bytes =
        try {
            (resolver.openInputStream(uri) ?: throw IOException("its provider gave no data")).use { readAtMost(it, MOST_BYTES) }
        } catch (error: IOException) {
            throw UnreadablePictureException("the picture cannot be opened: ${error.message}", error)
        } catch (error: SecurityException) {
            throw UnreadablePictureException("the app may not open the picture: ${error.message}", error)
        }
    return decodePhoto(bytes)
}

/** Decode the bytes of an image file. */
internal fun decodePhoto(bytes: ByteArray): Photo {
    val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
    BitmapFactory.decodeByteArray(bytes, 0, bytes.size, bounds)
    if (bounds.outWidth < 1 ||
        bounds.outHeight < 1
    ) {
        throw UnreadablePictureException("the file is not a picture that this device can decode")
    }
    val options = exactly().apply { inSampleSize = sampleSize(bounds.outWidth, bounds.outHeight) }
    val bitmap =
        try {
            BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options)
        } catch (error: OutOfMemoryError) {
            throw UnreadablePictureException(
                "the device's memory does not suffice for ${bounds.outWidth} x ${bounds.outHeight} pixels",
                error,
            )
        }
    return Photo(bitmap ?: throw UnreadablePictureException("the picture is damaged"), orientationOf(bytes))
}

/** The power of two by which width and height are divided, so that no more than [MOST_PIXELS] are decoded. */
internal fun sampleSize(
    width: Int,
    height: Int,
): Int {
    var size = 1
    while ((width / size).toLong() * (height / size) > MOST_PIXELS) size *= 2
    return size
}

private fun exactly() =
    BitmapFactory.Options().apply {
        inPreferredConfig = Bitmap.Config.ARGB_8888
        inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        inPremultiplied = false // a premultiplied colour loses digits
        inScaled = false
    }

private fun orientationOf(bytes: ByteArray): Orientation =
    try {
        val exif = ExifInterface(ByteArrayInputStream(bytes))
        Orientation.ofExif(exif.getAttributeInt(ExifInterface.TAG_ORIENTATION, ExifInterface.ORIENTATION_NORMAL))
    } catch (_: IOException) {
        Orientation.UPRIGHT // a format without EXIF
    }

private fun readAtMost(
    stream: InputStream,
    limit: Int,
): ByteArray {
    val read = ByteArrayOutputStream()
    val buffer = ByteArray(1 shl 16)
    while (true) {
        val count = stream.read(buffer)
        if (count < 0) return read.toByteArray()
        read.write(buffer, 0, count)
        if (read.size() > limit) throw IOException("the file has more than $limit bytes")
    }
}
