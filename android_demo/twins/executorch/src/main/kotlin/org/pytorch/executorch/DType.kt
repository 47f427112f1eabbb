package org.pytorch.executorch

/** The types that the twin's tensors have, and two that the native code may name. */
enum class DType(
    @JvmField val jniCode: Int,
) {
    UINT8(0),
    INT8(1),
    INT16(2),
    INT32(3),
    INT64(4),
    HALF(5),
    FLOAT(6),
    DOUBLE(7),
    BOOL(11),
    BFLOAT16(15),
    ;

    companion object {
        @JvmStatic
        fun fromJniCode(jniCode: Int): DType =
            entries.find { it.jniCode == jniCode } ?: throw IllegalArgumentException("No DType found for jniCode $jniCode")
    }
}
