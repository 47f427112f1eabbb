package dev.levitmobile.image

/**
 * How a stored image must be turned to be upright: the eight values of EXIF's orientation tag.
 *
 * @property exif Value of the tag, 1 to 8.
 */
public enum class Orientation(
    public val exif: Int,
    internal val swapsSides: Boolean,
    internal val flipsX: Boolean,
    internal val flipsY: Boolean,
) {
    UPRIGHT(1, false, false, false),
    MIRRORED(2, false, true, false),
    TURNED_180(3, false, true, true),
    UPSIDE_DOWN(4, false, false, true),
    TRANSPOSED(5, true, false, false),
    TURNED_90(6, true, false, true),
    TRANSVERSED(7, true, true, true),
    TURNED_270(8, true, true, false),
    ;

    public companion object {
        /** Orientation of an EXIF tag; any value outside of 1 to 8 means upright, as decoders treat it. */
        public fun ofExif(value: Int): Orientation = entries.firstOrNull { it.exif == value } ?: UPRIGHT

        /**
         * Orientation of a camera frame that must be turned clockwise to be upright.
         *
         * @param clockwiseDegrees A multiple of 90, such as CameraX's `imageInfo.rotationDegrees`.
         * @throws IllegalArgumentException It is not a multiple of 90.
         */
        public fun ofDegrees(clockwiseDegrees: Int): Orientation =
            when (Math.floorMod(clockwiseDegrees, 360)) {
                0 -> UPRIGHT
                90 -> TURNED_90
                180 -> TURNED_180
                270 -> TURNED_270
                else -> throw IllegalArgumentException("the rotation is $clockwiseDegrees degrees, expected a multiple of 90")
            }
    }
}
