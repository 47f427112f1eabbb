package dev.levitmobile.timing

import dev.levitmobile.contract.Head
import dev.levitmobile.contract.Tolerance
import dev.levitmobile.contract.Verdict
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.parity.GoldenImage
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.parity.SelfCheck
import java.io.Closeable
import java.util.concurrent.CancellationException

/** An artifact that is loaded and can run, in the three steps that are timed apart. */
public interface TimedArtifact : Closeable {
    /** Number of logits. */
    public val classes: Int

    /** What a record should state about the run, one sentence each. */
    public val notes: List<String>

    /** Lay out an image as the input: RGB bytes [height,width,3], prepared already. */
    public fun write(pixels: ByteArray)

    /** The inference alone. */
    public fun run()

    /** Copy the logits of the last run. */
    public fun read(logits: FloatArray)
}

/**
 * What a process needs of a bundle.
 *
 * @property golden The golden images, one or more.
 * @property tolerance How far the logits may be from the trained model's.
 * @property head How logits become probabilities.
 * @property prepare Resizes and crops the image of the end-to-end timing, and returns its RGB bytes.
 */
public class ProcessWork(
    public val golden: List<GoldenImage>,
    public val tolerance: Tolerance,
    public val head: Head,
    public val prepare: () -> ByteArray,
)

/** Memory of a process in bytes; null where it is unknown. */
public data class MemoryUse(
    val residentBytes: Long? = null,
    val peakBytes: Long? = null,
    val pssBytes: Long? = null,
)

/**
 * Proves and then times one artifact in this process, which has run nothing before.
 *
 * The boundaries are those of the timing record. Loading and the first inference come first, because both happen once in
 * a process. The golden images follow on the same loaded artifact; where they fail, nothing is timed. The inferences are
 * timed one after the other with the input in place. The end-to-end rounds come after them, so that no resize pushes the
 * artifact's data out of the caches between two inferences.
 *
 * @param clock Monotonic time in ns, such as `System::nanoTime`.
 * @param memory Memory of this process now.
 * @param phase Called when the next phase begins.
 */
public class ProcessTimer(
    private val clock: () -> Long = System::nanoTime,
    private val memory: () -> MemoryUse = { MemoryUse() },
    private val phase: (ProcessPhase) -> Unit = {},
) {
    /**
     * Do a job.
     *
     * @param job How many rounds.
     * @param work The golden images and the image of the end-to-end timing.
     * @param open Loads the artifact. [NotAvailableException] makes the verdict `not run`, any other exception `broken`.
     */
    public fun run(
        job: ProcessJob,
        work: ProcessWork,
        open: () -> TimedArtifact,
    ): ProcessResult =
        try {
            phase(ProcessPhase.LOADING)
            val before = memory().residentBytes
            val start = clock()
            open().use { artifact ->
                val loadMs = since(start)
                measured(job, work, artifact, ProcessResult(NOT_YET, loadMs = loadMs, memoryBeforeBytes = before))
            }
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (missing: NotAvailableException) {
            ProcessResult.untimed(Verdict.NOT_RUN, missing.message.orEmpty())
        } catch (error: Exception) {
            ProcessResult.untimed(Verdict.BROKEN, "the artifact could not run: ${error.message ?: error.javaClass.simpleName}")
        }

    private fun measured(
        job: ProcessJob,
        work: ProcessWork,
        artifact: TimedArtifact,
        loaded: ProcessResult,
    ): ProcessResult {
        if (work.golden.isEmpty()) return ProcessResult.untimed(Verdict.NOT_RUN, "the bundle holds no golden images")
        artifact.write(work.golden[0].pixels)
        val firstRunMs = timed(artifact::run)
        val used = memory()
        val check = checked(work, artifact)
        val parity = check.toParity(AGAINST)
        if (!check.mayBeTimed) {
            val reason = "the self-check failed, so nothing was timed: ${check.reasons.joinToString("; ")}"
            return ProcessResult(parity, notRun = reason, notes = artifact.notes)
        }
        val samples = inferences(job, work, artifact)
        val rounds = List(job.rounds) { endToEnd(work, artifact) }
        return loaded.copy(
            parity = parity,
            firstRunMs = firstRunMs,
            peakMemoryBytes = used.peakBytes,
            pssBytes = used.pssBytes,
            samplesMs = samples,
            endToEndMs = rounds.map { it.second },
            preprocessMs = rounds.map { it.first },
            notes = artifact.notes,
        )
    }

    private fun checked(
        work: ProcessWork,
        artifact: TimedArtifact,
    ): CheckResult {
        phase(ProcessPhase.CHECKING)
        return SelfCheck.run(work.golden, work.tolerance, work.head) { pixels ->
            artifact.write(pixels)
            artifact.run()
            FloatArray(artifact.classes).also(artifact::read)
        }
    }

    private fun inferences(
        job: ProcessJob,
        work: ProcessWork,
        artifact: TimedArtifact,
    ): List<Double> {
        phase(ProcessPhase.WARMING_UP)
        artifact.write(work.golden[0].pixels)
        repeat(job.warmupRounds) { artifact.run() }
        phase(ProcessPhase.TIMING)
        return List(job.rounds) { timed(artifact::run) }
    }

    /** The preparation and the whole, in ms. */
    private fun endToEnd(
        work: ProcessWork,
        artifact: TimedArtifact,
    ): Pair<Double, Double> {
        val logits = FloatArray(artifact.classes)
        val start = clock()
        val pixels = work.prepare()
        val preparedMs = since(start)
        artifact.write(pixels)
        artifact.run()
        artifact.read(logits)
        return preparedMs to since(start)
    }

    private fun timed(call: () -> Unit): Double {
        val start = clock()
        call()
        return since(start)
    }

    private fun since(startNs: Long) = (clock() - startNs) / NS_PER_MS

    private companion object {
        const val NS_PER_MS = 1e6
        const val AGAINST = "the trained model's logits in the bundle"
        val NOT_YET = Parity(Verdict.NOT_RUN)
    }
}
