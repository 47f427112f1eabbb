package dev.levitmobile

import dev.levitmobile.runner.Runner
import java.util.concurrent.CountDownLatch

/** Keeps the image that it is given; [run] waits where a test wants it to. */
internal class RecordingRunner(
    private val real: Runner,
) : Runner by real {
    var pixels = ByteArray(0)
        private set
    var isClosed = false
        private set

    /** Opened when a run has begun. */
    val begun = CountDownLatch(1)

    /** A run waits for it. */
    var mayEnd = CountDownLatch(0)

    override fun write(pixels: ByteArray) {
        this.pixels = pixels.copyOf()
        real.write(pixels)
    }

    override fun run() {
        begun.countDown()
        mayEnd.await()
        real.run()
    }

    override fun close() {
        isClosed = true
        real.close()
    }
}
