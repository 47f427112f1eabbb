package dev.levitmobile.image

import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.Preprocessing
import java.nio.ByteBuffer

/**
 * From an image as a camera or a decoder gives it to the tensor that the contract asks for.
 *
 * The image is turned upright first, then resized and cropped, and then laid out. Only the part that decides the crop
 * is read. An instance keeps its working memory and allocates nothing while the images have one size. It is not
 * thread-safe.
 *
 * @param preprocessing How images are resized and cropped.
 * @property format Form of the tensor.
 * @throws IllegalArgumentException The size of the crop differs from the tensor's.
 */
public class Preprocessor(
    preprocessing: Preprocessing,
    public val format: TensorFormat,
) {
    private val resizer = Resizer(preprocessing)
    private val writer = TensorWriter(format)
    private var upright = ByteArray(0)

    /** The prepared image, RGB bytes [height,width,3]; the next image overwrites it. */
    public val pixels: ByteArray = ByteArray(format.elements)

    init {
        require(preprocessing.cropHeight == format.height && preprocessing.cropWidth == format.width) {
            "the crop has ${preprocessing.cropHeight} x ${preprocessing.cropWidth} pixels, " +
                "expected the input's ${format.height} x ${format.width}"
        }
    }

    /** Prepares images as a contract asks for it. */
    public constructor(contract: Contract) : this(contract.preprocessing, TensorFormat.of(contract.input))

    /** Turn, resize and crop an image into [pixels]. */
    public fun prepare(
        frame: Frame,
        orientation: Orientation = Orientation.UPRIGHT,
    ) {
        val swapped = orientation.swapsSides
        resizer.plan(if (swapped) frame.height else frame.width, if (swapped) frame.width else frame.height)
        val stride = 3 * resizer.columns
        if (upright.size < stride * resizer.rows) upright = ByteArray(stride * resizer.rows)
        frame.readUpright(orientation, resizer.left, resizer.top, resizer.columns, resizer.rows, upright)
        resizer.scale(upright, 0, stride, pixels)
    }

    /** Prepare an image and write it as float32 values, [TensorFormat.elements] of them. */
    public fun write(
        frame: Frame,
        orientation: Orientation,
        into: FloatArray,
    ) {
        prepare(frame, orientation)
        writer.write(pixels, into)
    }

    /** Prepare an image and write it as int8 or uint8 values, [TensorFormat.elements] of them. */
    public fun write(
        frame: Frame,
        orientation: Orientation,
        into: ByteArray,
    ) {
        prepare(frame, orientation)
        writer.write(pixels, into)
    }

    /** Prepare an image and write it in the buffer's own byte order, [TensorFormat.bytes] of them. */
    public fun write(
        frame: Frame,
        orientation: Orientation,
        into: ByteBuffer,
    ) {
        prepare(frame, orientation)
        writer.write(pixels, into)
    }
}
