package dev.levitmobile.timing

import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.Runtime
import dev.levitmobile.contract.Verdict
import dev.levitmobile.store.Bundle

/**
 * What a record states about an artifact besides its times.
 *
 * @property contract The bundle's contract.
 * @property contractSha256 SHA-256 of `contract.json`.
 * @property runtimeVersion Version of the runtime in the app.
 */
public class ArtifactFacts(
    public val contract: Contract,
    public val contractSha256: String,
    public val runtimeVersion: String,
) {
    public constructor(bundle: Bundle, versions: Map<Runtime, String>) :
        this(bundle.contract, bundle.contractSha256, Runtime.of(bundle.contract)?.let(versions::get).orEmpty())
}

/**
 * Makes the timing record of a session.
 *
 * @param plan What was asked for.
 * @param app The app.
 * @param device The device.
 * @param startedAt Start in UTC, such as `2026-01-31T12:00:00Z`.
 * @param facts What is known about each bundle of the plan, by its name.
 * @param command What repeats the run.
 * @param versions Version of each package that took part, by name.
 */
public class RecordMaker(
    private val plan: TimingPlan,
    private val app: App,
    private val device: Device,
    private val startedAt: String,
    private val facts: Map<String, ArtifactFacts>,
    private val command: String = "",
    private val versions: Map<String, String> = emptyMap(),
) {
    /** The record of what a session has measured so far. */
    public fun record(state: SessionState): TimingRecord =
        TimingRecord(
            schemaVersion = TimingRecord.SCHEMA_VERSION,
            app = app,
            startedAt = startedAt,
            device = device,
            before = state.before,
            during = state.during,
            after = state.after,
            coolingS = state.coolingMs / 1000.0,
            interleaved = false,
            incomplete = state.incomplete,
            command = command,
            timings = plan.steps.map { timing(it, state.ends[it].orEmpty(), state.incomplete) },
            versions = versions,
        )

    private fun timing(
        step: TimingStep,
        ends: List<ProcessEnd>,
        incomplete: String?,
    ): Timing {
        val results = ends.filterIsInstance<ProcessEnd.Finished>().map { it.result }
        val refused = results.firstOrNull { it.notRun != null }
        val died = ends.filterIsInstance<ProcessEnd.Died>().firstOrNull()?.reason
        val untimed = untimed(step)
        return when {
            refused != null -> untimed.copy(parity = refused.parity, notRun = refused.notRun, notes = refused.notes)
            results.isNotEmpty() -> timed(untimed, results, died)
            else -> (died ?: incomplete ?: "it was not reached").let { untimed.copy(parity = notRun(it), notRun = it) }
        }
    }

    private fun notRun(reason: String) = Parity(Verdict.NOT_RUN, listOf(reason))

    private fun timed(
        untimed: Timing,
        results: List<ProcessResult>,
        died: String?,
    ): Timing =
        untimed.copy(
            parity = results[0].parity,
            loadMs = results.mapNotNull { it.loadMs },
            firstRunMs = results.mapNotNull { it.firstRunMs },
            memoryBeforeBytes = results.mapNotNull { it.memoryBeforeBytes },
            peakMemoryBytes = results.mapNotNull { it.peakMemoryBytes },
            pssBytes = results.mapNotNull { it.pssBytes },
            warmupRuns = plan.warmupRounds,
            samplesMs = results.flatMap { it.samplesMs },
            processSamples = results.map { it.samplesMs.size },
            endToEndSamplesMs = results.flatMap { it.endToEndMs },
            preprocessSamplesMs = results.flatMap { it.preprocessMs },
            picturePx = plan.picturePx,
            notRun = null,
            notes = results.flatMap { it.notes }.distinct() + listOfNotNull(died?.let { lost(it, results.size) }),
        )

    private fun lost(
        died: String,
        finished: Int,
    ) = "after $finished finished processes one did not finish: $died"

    private fun untimed(step: TimingStep): Timing {
        val known = facts.getValue(step.bundle)
        val artifact = known.contract.artifact
        val runtime = requireNotNull(Runtime.of(known.contract)) { "${step.bundle} has no runtime on Android" }
        return Timing(
            name = step.name,
            file = artifact.file,
            sha256 = artifact.sha256,
            bytes = artifact.bytes,
            target = if (runtime == Runtime.LITERT) "tflite" else "executorch",
            variant = known.contract.model.variant,
            recipe = known.contract.recipe,
            contractSha256 = known.contractSha256,
            runtime = runtime.title,
            runtimeVersion = known.runtimeVersion,
            accelerator = if (step.accelerator == Accelerator.GPU) "gpu" else "xnnpack",
            threads = step.threads,
            parity = Parity(Verdict.NOT_RUN),
            inputShape = known.contract.input.shape,
            notRun = "it was not reached",
        )
    }
}
