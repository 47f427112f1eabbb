package androidx.camera.core

import android.util.Size
import java.util.concurrent.Executor

abstract class UseCase internal constructor()

class SurfaceRequest internal constructor(
    val resolution: Size,
)

class Preview private constructor() : UseCase() {
    internal var provider: SurfaceProvider? = null
        private set

    fun setSurfaceProvider(surfaceProvider: SurfaceProvider?) {
        provider = surfaceProvider
    }

    fun interface SurfaceProvider {
        fun onSurfaceRequested(request: SurfaceRequest)
    }

    class Builder {
        fun build(): Preview = Preview()
    }
}

/** Frames in the order of CameraX's KEEP_ONLY_LATEST: the analyzer gets the next one when it has closed the last. */
class ImageAnalysis private constructor(
    val outputImageFormat: Int,
) : UseCase() {
    private var analyzer: Pair<Executor, Analyzer>? = null

    val backpressureStrategy: Int get() = STRATEGY_KEEP_ONLY_LATEST

    @Synchronized
    fun setAnalyzer(
        executor: Executor,
        analyzer: Analyzer,
    ) {
        this.analyzer = executor to analyzer
    }

    @Synchronized
    fun clearAnalyzer() {
        analyzer = null
    }

    /** Whether there is an analyzer for it. */
    @Synchronized
    internal fun deliver(image: ImageProxy): Boolean {
        val (executor, to) = analyzer ?: return false
        executor.execute { to.analyze(image) }
        return true
    }

    fun interface Analyzer {
        fun analyze(image: ImageProxy)
    }

    class Builder {
        private var format = OUTPUT_IMAGE_FORMAT_YUV_420_888

        fun setBackpressureStrategy(strategy: Int): Builder =
            apply {
                if (strategy != STRATEGY_KEEP_ONLY_LATEST) throw UnsupportedOperationException("the twin keeps only the latest frame")
            }

        fun setOutputImageFormat(outputImageFormat: Int): Builder = apply { format = outputImageFormat }

        fun build(): ImageAnalysis = ImageAnalysis(format)
    }

    companion object {
        const val STRATEGY_KEEP_ONLY_LATEST = 0
        const val STRATEGY_BLOCK_PRODUCER = 1
        const val OUTPUT_IMAGE_FORMAT_YUV_420_888 = 1
        const val OUTPUT_IMAGE_FORMAT_RGBA_8888 = 2
    }
}
