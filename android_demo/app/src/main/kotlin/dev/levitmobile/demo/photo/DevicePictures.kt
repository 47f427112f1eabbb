package dev.levitmobile.demo.photo

import android.content.ContentResolver
import android.content.Intent
import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ImageDecoder
import android.graphics.Matrix
import android.net.Uri
import android.os.Build
import androidx.annotation.RequiresApi
import androidx.exifinterface.media.ExifInterface
import dev.levitmobile.UnreadablePictureException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.IOException
import java.io.InputStream

/** Pictures behind `content:` addresses. */
class DevicePictures(
    private val resolver: ContentResolver,
    private val worker: CoroutineDispatcher = Dispatchers.IO,
) : PictureSource {
    override suspend fun preview(
        picture: Uri,
        mostPx: Int,
    ): Bitmap =
        withContext(worker) {
            try {
                if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) decode(picture, mostPx) else decodeOld(picture, mostPx)
            } catch (error: IOException) {
                throw UnreadablePictureException("the picture cannot be read", error)
            } catch (error: SecurityException) {
                throw UnreadablePictureException("the picture cannot be read", error)
            }
        }

    override suspend fun keep(picture: Uri) =
        withContext(worker) {
            try {
                resolver.takePersistableUriPermission(picture, Intent.FLAG_GRANT_READ_URI_PERMISSION)
            } catch (_: SecurityException) {
                // A shared picture may be read while the app's task lives, and no longer.
            }
        }

    /** This decoder turns the picture upright by itself. */
    @RequiresApi(Build.VERSION_CODES.P)
    private fun decode(
        picture: Uri,
        mostPx: Int,
    ): Bitmap =
        ImageDecoder.decodeBitmap(ImageDecoder.createSource(resolver, picture)) { decoder, info, _ ->
            decoder.setTargetSampleSize(sampleSize(info.size.width, info.size.height, mostPx))
        }

    private fun decodeOld(
        picture: Uri,
        mostPx: Int,
    ): Bitmap {
        val bounds = BitmapFactory.Options().apply { inJustDecodeBounds = true }
        open(picture).use { BitmapFactory.decodeStream(it, null, bounds) }
        val options = BitmapFactory.Options().apply { inSampleSize = sampleSize(bounds.outWidth, bounds.outHeight, mostPx) }
        val stored =
            open(picture).use { BitmapFactory.decodeStream(it, null, options) }
                ?: throw UnreadablePictureException("the picture cannot be decoded")
        val orientation = open(picture).use { ExifInterface(it).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1) }
        return upright(stored, orientation)
    }

    private fun open(picture: Uri): InputStream =
        resolver.openInputStream(picture) ?: throw UnreadablePictureException("the picture cannot be decoded")
}

/** The largest power of two that leaves the longer side [mostPx] pixels or more. */
internal fun sampleSize(
    width: Int,
    height: Int,
    mostPx: Int,
): Int = Integer.highestOneBit((maxOf(width, height) / mostPx).coerceAtLeast(1))

/** A stored bitmap turned by its EXIF orientation, 1 to 8. */
internal fun upright(
    stored: Bitmap,
    orientation: Int,
): Bitmap {
    val turn = Matrix()
    if (orientation in MIRRORED) turn.postScale(-1f, 1f)
    turn.postRotate(DEGREES[orientation] ?: return stored)
    return Bitmap.createBitmap(stored, 0, 0, stored.width, stored.height, turn, true)
}

private val MIRRORED = setOf(2, 4, 5, 7)

/** Clockwise degrees after the mirroring; source: EXIF 2.32, tag 0x0112. */
private val DEGREES = mapOf(2 to 0f, 3 to 180f, 4 to 180f, 5 to 270f, 6 to 90f, 7 to 90f, 8 to 270f)
