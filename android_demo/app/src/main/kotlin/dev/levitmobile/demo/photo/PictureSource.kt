package dev.levitmobile.demo.photo

import android.graphics.Bitmap
import android.net.Uri

/** Pictures that the user picked or shared. All functions may be called from the main thread. */
interface PictureSource {
    /**
     * The upright picture for the screen, with its longer side at most [mostPx] pixels where the decoder can.
     *
     * @throws dev.levitmobile.UnreadablePictureException No decoder reads it, or it may not be read.
     */
    suspend fun preview(
        picture: Uri,
        mostPx: Int,
    ): Bitmap

    /** Keep the right to read a picked picture after the process has died, where its owner grants that. */
    suspend fun keep(picture: Uri)
}
