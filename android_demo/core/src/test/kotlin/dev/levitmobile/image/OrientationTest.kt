package dev.levitmobile.image

import org.junit.jupiter.api.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class OrientationTest {
    @Test
    fun `degrees are clockwise, as CameraX gives them`() {
        assertEquals(listOf(1, 6, 3, 8), listOf(0, 90, 180, 270).map { Orientation.ofDegrees(it).exif })
        assertEquals(Orientation.TURNED_270, Orientation.ofDegrees(-90))
        assertEquals(Orientation.UPRIGHT, Orientation.ofDegrees(720))
        assertFailsWith<IllegalArgumentException> { Orientation.ofDegrees(45) }
    }

    @Test
    fun `an unknown EXIF value means upright`() {
        assertEquals((1..8).toList(), (1..8).map { Orientation.ofExif(it).exif })
        assertEquals(Orientation.UPRIGHT, Orientation.ofExif(0))
        assertEquals(Orientation.UPRIGHT, Orientation.ofExif(9))
    }

    @Test
    fun `an image of two rows is turned as drawn`() {
        // a b c    turned by 90 degrees clockwise:   d a
        // d e f                                      e b
        //                                            f c
        assertEquals("da eb fc", turned(Orientation.TURNED_90))
        assertEquals("cf be ad", turned(Orientation.TURNED_270))
        assertEquals("fed cba", turned(Orientation.TURNED_180))
        assertEquals("ad be cf", turned(Orientation.TRANSPOSED))
        assertEquals("fc eb da", turned(Orientation.TRANSVERSED))
        assertEquals("cba fed", turned(Orientation.MIRRORED))
        assertEquals("def abc", turned(Orientation.UPSIDE_DOWN))
    }

    private fun turned(orientation: Orientation): String {
        val frame = RgbFrame("abcdef".flatMap { letter -> List(3) { letter.code.toByte() } }.toByteArray(), 3, 2)
        val columns = if (orientation.swapsSides) 2 else 3
        val bytes = ByteArray(18).also { frame.readUpright(orientation, 0, 0, columns, 6 / columns, it) }
        return bytes
            .toList()
            .chunked(3)
            .map { it[0].toInt().toChar() }
            .chunked(columns)
            .joinToString(" ") { it.joinToString("") }
    }
}
