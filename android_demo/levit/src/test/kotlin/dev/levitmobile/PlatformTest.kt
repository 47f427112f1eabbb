package dev.levitmobile

import android.graphics.Bitmap
import androidx.test.ext.junit.runners.AndroidJUnit4
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

@RunWith(AndroidJUnit4::class)
class PlatformTest {
    @Test
    @Config(sdk = [26, 36, 37])
    fun aBitmapKeepsItsPixels() {
        val bitmap = Bitmap.createBitmap(2, 1, Bitmap.Config.ARGB_8888)
        bitmap.setPixel(1, 0, 0xFF336699.toInt())
        assertEquals(0xFF336699.toInt(), bitmap.getPixel(1, 0))
    }
}
