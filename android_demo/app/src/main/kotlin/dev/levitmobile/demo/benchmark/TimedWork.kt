package dev.levitmobile.demo.benchmark

import dev.levitmobile.image.ArgbFrame
import dev.levitmobile.image.Preprocessor
import dev.levitmobile.runner.Runner
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.ProcessJob
import dev.levitmobile.timing.ProcessWork
import dev.levitmobile.timing.TimedArtifact
import java.util.Random

/** A runner as the timer of a process takes it. */
internal class RunnerArtifact(
    private val runner: Runner,
) : TimedArtifact {
    override val classes: Int get() = runner.classes
    override val notes: List<String> get() = runner.notes

    override fun write(pixels: ByteArray) = runner.write(pixels)

    override fun run() = runner.run()

    override fun read(logits: FloatArray) = runner.read(logits)

    override fun close() = runner.close()
}

/** The golden images of a bundle, and a drawn image of the job's size, opaque as a photograph is. */
internal fun workOf(
    bundle: Bundle,
    job: ProcessJob,
): ProcessWork {
    val (width, height) = job.picturePx
    val drawn = Random(job.seed)
    val frame = ArgbFrame(IntArray(width * height) { OPAQUE or drawn.nextInt(COLOURS) }, width, height)
    val preprocessor = Preprocessor(bundle.contract)
    return ProcessWork(bundle.golden, bundle.contract.tolerance, bundle.contract.output.head) {
        preprocessor.prepare(frame)
        preprocessor.pixels
    }
}

private const val OPAQUE = 0xFF shl 24
private const val COLOURS = 1 shl 24
