package dev.levitmobile

import android.graphics.Bitmap
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.annotation.RealObject
import org.robolectric.shadow.api.Shadow
import org.robolectric.shadows.ShadowNativeBitmap

/** Lets a bitmap say that it lies in the GPU's memory: Android then refuses to read its pixels. Robolectric has no GPU. */
@Implements(Bitmap::class, callNativeMethodsByDefault = true)
class HardwareBitmaps : ShadowNativeBitmap() {
    @RealObject
    private lateinit var bitmap: Bitmap

    @Implementation
    fun getConfig(): Bitmap.Config =
        if (bitmap === held) Bitmap.Config.HARDWARE else Shadow.directlyOn(bitmap, Bitmap::class.java, "getConfig")

    companion object {
        private var held: Bitmap? = null

        /** Only the last one is held to be a hardware bitmap. */
        fun hold(bitmap: Bitmap) {
            held = bitmap
        }
    }
}
