package dev.levitmobile.photo

import org.junit.Test
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class SampleSizeTest {
    @Test
    fun `pictures of up to 16 million pixels are decoded as they are`() {
        for ((width, height) in listOf(1 to 1, 4032 to 3024, 4096 to 4096, 16384 to 1024)) {
            assertEquals(1, sampleSize(width, height), "$width x $height")
        }
    }

    @Test
    fun `larger ones are divided by the least power of two that suffices`() {
        val cases = mapOf((4097 to 4096) to 2, (8160 to 6120) to 2, (12000 to 9000) to 4, (65535 to 65535) to 16)
        for ((size, expected) in cases) {
            val (width, height) = size
            assertEquals(expected, sampleSize(width, height), "$width x $height")
            assertTrue((width / expected).toLong() * (height / expected) <= MOST_PIXELS)
        }
    }
}
