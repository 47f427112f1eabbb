package dev.levitmobile.photo

import android.graphics.ImageFormat
import android.graphics.PixelFormat
import androidx.camera.core.ImageProxy
import dev.levitmobile.image.Frame
import dev.levitmobile.image.Orientation
import dev.levitmobile.image.RgbaFrame
import dev.levitmobile.image.YuvFrame
import dev.levitmobile.image.YuvRange

/** How a camera frame must be turned to be upright. */
internal fun orientationOf(image: ImageProxy): Orientation = Orientation.ofDegrees(image.imageInfo.rotationDegrees)

/**
 * A camera frame's memory, read in place; valid until the image is closed.
 *
 * @throws IllegalArgumentException The format is neither RGBA_8888 nor YUV_420_888.
 */
internal fun frameOf(image: ImageProxy): Frame =
    when (image.format) {
        PixelFormat.RGBA_8888 -> rgba(image)
        ImageFormat.YUV_420_888 -> yuv(image)
        else -> throw IllegalArgumentException("the camera frame has format ${image.format}, expected RGBA_8888 or YUV_420_888")
    }

private fun rgba(image: ImageProxy): Frame {
    val plane = image.planes[0]
    require(plane.pixelStride == 4) { "an RGBA pixel has ${plane.pixelStride} bytes, expected 4" }
    return RgbaFrame(plane.buffer, image.width, image.height, plane.rowStride)
}

/** Android promises a pixel stride of 1 for Y, and the same strides for U and V. */
private fun yuv(image: ImageProxy): Frame {
    val (y, u, v) = image.planes
    return YuvFrame(
        y.buffer,
        u.buffer,
        v.buffer,
        image.width,
        image.height,
        yRowStride = y.rowStride,
        uvRowStride = u.rowStride,
        uvPixelStride = u.pixelStride,
        range = YuvRange.FULL,
    )
}
