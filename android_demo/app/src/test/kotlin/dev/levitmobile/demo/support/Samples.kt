package dev.levitmobile.demo.support

import dev.levitmobile.Classification
import dev.levitmobile.contract.Verdict
import dev.levitmobile.demo.benchmark.BenchmarkRow
import dev.levitmobile.demo.benchmark.BenchmarkRows
import dev.levitmobile.demo.benchmark.Outcome
import dev.levitmobile.demo.bundles.BundleEntry
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.parity.Figures
import dev.levitmobile.prediction.ClassScore
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.timing.Summary
import java.io.File

/** What the screens show in the tests; the names and the sentences are as long as real ones get. */
object Samples {
    val classification =
        Classification(
            listOf(
                ClassScore(239, "Bernese mountain dog", 9.13f, 0.8712),
                ClassScore(238, "Greater Swiss Mountain dog", 6.41f, 0.0573),
                ClassScore(241, "EntleBucher", 5.92f, 0.0351),
                ClassScore(240, "Appenzeller", 5.78f, 0.0305),
                ClassScore(231, "collie", 2.11f, 0.0008),
            ),
            preprocessMs = 4.37,
            inferenceMs = 25.07,
        )

    val entries =
        listOf(
            BundleEntry(SampleBundle.NAME, 8_391_004, SampleBundle.contract()),
            BundleEntry(SampleBundle.OTHER, 29_120_433, SampleBundle.contract("executorch-fp32", "model.pte", Verdict.BY_REFERENCE)),
            BundleEntry(
                "levit_384-executorch-int8",
                40_120_433,
                SampleBundle.contract("executorch-int8", "model.pte"),
                FailureReason(Code.UNSUPPORTED_BUNDLE, "the artifact was made by ExecuTorch 1.6.0, the app has 1.4.1"),
            ),
        )

    private val figures = Figures(3.34e-6, 1.1e-6, 88.2, 88.2, 0.999999, 1e-9, 1.0, 1.0)

    val proven = CheckResult(Verdict.PROVEN, emptyList(), 16, figures)

    val broken =
        CheckResult(
            Verdict.BROKEN,
            listOf("SQNR is 11.3 dB, expected at least 25 dB", "top-1 agrees on 75.00% of 16 images, expected at least 98.00%"),
            16,
            figures.copy(maxAbsError = 2.71, judgedSqnrDb = 11.3, top1Agreement = 0.75),
        )

    val notRun =
        CheckResult(Verdict.NOT_RUN, listOf("LiteRT cannot run the artifact on this device's GPU: status ErrorCompilation"), 0, null)

    private val timed =
        listOf(
            row("${SampleBundle.NAME}-cpu4", 4, 11.02),
            row("${SampleBundle.NAME}-cpu1", 1, 25.07),
            row("${SampleBundle.OTHER}-cpu1", 1, 31.4, notes = listOf("the battery was below 20%")),
        )

    private val untimed =
        listOf(
            BenchmarkRow("levit_128s-tflite-fp16-gpu", "gpu", null, Outcome.BROKEN, broken.reasons),
            BenchmarkRow("${SampleBundle.NAME}-gpu", "gpu", null, Outcome.NOT_RUN, notRun.reasons),
        )

    /** The rows that are done while the others run. */
    val finished = timed.take(2)

    /** A table with each kind of row. */
    fun table(
        record: File?,
        incomplete: String? = null,
    ): BenchmarkRows = BenchmarkRows(BenchmarkRows.sorted(timed + untimed), incomplete, coolingS = 42.0, record)

    private fun row(
        name: String,
        threads: Int,
        medianMs: Double,
        notes: List<String> = emptyList(),
    ) = BenchmarkRow(
        name = name,
        accelerator = "xnnpack",
        threads = threads,
        outcome = Outcome.TIMED,
        loadMs = 118.4,
        firstRunMs = 2.1 * medianMs,
        inference = Summary(0.97 * medianMs, medianMs, 1.08 * medianMs, 1.3 * medianMs, 0.02 * medianMs),
        endToEnd = Summary(medianMs + 4, medianMs + 5, medianMs + 6, null, 0.4),
        peakMemoryBytes = 71_303_168,
        notes = notes,
    )
}
