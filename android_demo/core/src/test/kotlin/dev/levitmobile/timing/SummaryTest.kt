package dev.levitmobile.timing

import dev.levitmobile.TestData
import dev.levitmobile.number
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.io.TempDir
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNull

class SummaryTest {
    @TempDir
    lateinit var folder: File

    @TestFactory
    fun `the statistics are Python's`(): List<DynamicTest> =
        TestData.entries("summaries.json").map { vector ->
            val samples = vector.getValue("samples_ms").jsonArray.map { it.number() }
            dynamicTest("${samples.size} samples") {
                val summary = checkNotNull(Summary.of(samples))
                val found = mapOf("minimum_ms" to summary.minimumMs, "median_ms" to summary.medianMs, "p90_ms" to summary.p90Ms)
                val all = found + mapOf("p99_ms" to summary.p99Ms, "iqr_ms" to summary.iqrMs, "spread" to summary.spread)
                for ((name, value) in vector.getValue("summary").jsonObject) {
                    if (value is JsonNull) assertNull(all[name]) else assertEquals(value.number(), checkNotNull(all[name]), 1e-9, name)
                }
                assertEquals(summary.spread > 0.1, summary.isNoisy)
                assertEquals(1000 / summary.medianMs, summary.imagesPerSecond)
            }
        }

    @Test
    fun `there are no statistics of no samples`() {
        assertNull(Summary.of(emptyList()))
    }

    @Test
    fun `a step that killed its process is known to the next one, once`() {
        assertNull(RunMarker(File(folder, "none")).takeDied())
        RunMarker(folder).begin("levit-gpu", "loading on the GPU")
        assertEquals("levit-gpu" to "the process died while loading on the GPU", RunMarker(folder).takeDied())
        assertNull(RunMarker(folder).takeDied())
    }

    @Test
    fun `a step that ended leaves nothing behind`() {
        val marker = RunMarker(File(folder, "new"))
        marker.begin("levit-cpu1", "")
        marker.end()
        assertNull(RunMarker(File(folder, "new")).takeDied())
        assertFailsWith<IllegalArgumentException> { marker.begin("two\nlines", "") }
    }
}
