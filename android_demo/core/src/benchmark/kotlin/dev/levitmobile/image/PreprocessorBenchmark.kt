package dev.levitmobile.image

import dev.levitmobile.contract.CropRounding
import dev.levitmobile.contract.Interpolation
import dev.levitmobile.contract.Preprocessing
import dev.levitmobile.contract.ResizeMode
import org.openjdk.jmh.annotations.Benchmark
import org.openjdk.jmh.annotations.BenchmarkMode
import org.openjdk.jmh.annotations.Fork
import org.openjdk.jmh.annotations.Measurement
import org.openjdk.jmh.annotations.Mode
import org.openjdk.jmh.annotations.OutputTimeUnit
import org.openjdk.jmh.annotations.Param
import org.openjdk.jmh.annotations.Scope
import org.openjdk.jmh.annotations.Setup
import org.openjdk.jmh.annotations.State
import org.openjdk.jmh.annotations.Warmup
import java.nio.ByteBuffer
import java.util.concurrent.TimeUnit

/** A camera frame of 1280 x 720 to a tensor of 224 x 224. The times are those of the machine, not of a phone. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
open class PreprocessorBenchmark {
    @Param("UPRIGHT", "TURNED_90")
    lateinit var orientation: Orientation

    @Param("BICUBIC", "BILINEAR")
    lateinit var interpolation: Interpolation

    private lateinit var preprocessor: Preprocessor
    private val rgba = ByteBuffer.allocateDirect(STRIDE * HEIGHT)
    private val frame = RgbaFrame(rgba, WIDTH, HEIGHT, STRIDE)
    private val luma = ByteBuffer.allocateDirect(WIDTH * HEIGHT)
    private val chroma = ByteBuffer.allocateDirect(WIDTH * HEIGHT / 2)
    private val yuv = YuvFrame(luma, chroma, chroma, WIDTH, HEIGHT, WIDTH, WIDTH, 2, YuvRange.FULL)
    private val tensor = FloatArray(3 * SIDE * SIDE)

    @Setup
    fun prepare() {
        for (place in 3 until STRIDE * HEIGHT step 4) rgba.put(place, -1) // opaque, as a camera's frames are
        val zeros = listOf(0.0, 0.0, 0.0)
        val preprocessing =
            Preprocessing(
                mode = ResizeMode.SHORT_SIDE,
                height = 256,
                width = 256,
                cropHeight = SIDE,
                cropWidth = SIDE,
                interpolation = interpolation,
                antialias = true,
                cropRounding = CropRounding.HALF_EVEN,
                mean = zeros,
                std = zeros,
                rescale = 1.0,
                source = "benchmark",
            )
        preprocessor = Preprocessor(preprocessing, TensorFormat(SIDE, SIDE, false, ElementType.FLOAT32, 0.0, 1.0))
    }

    @Benchmark
    fun rgbaToTensor(): FloatArray = tensor.also { preprocessor.write(frame, orientation, it) }

    @Benchmark
    fun yuvToTensor(): FloatArray = tensor.also { preprocessor.write(yuv, orientation, it) }

    private companion object {
        const val WIDTH = 1280
        const val HEIGHT = 720
        const val STRIDE = 4 * WIDTH + 64
        const val SIDE = 224
    }
}
