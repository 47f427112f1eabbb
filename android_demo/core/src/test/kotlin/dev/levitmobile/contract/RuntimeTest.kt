package dev.levitmobile.contract

import dev.levitmobile.TestData
import org.junit.jupiter.api.Test
import kotlin.test.assertEquals

class RuntimeTest {
    private val complete = ContractJson.read(TestData.text("contracts/complete.json"))

    @Test
    fun `a target is known by its suffix`() {
        val found = listOf("model.tflite", "model.pte", "model.mlpackage").map { Runtime.of(made(it)) }
        assertEquals(listOf(Runtime.LITERT, Runtime.EXECUTORCH, null), found)
    }

    @Test
    fun `ExecuTorch loads programs of its own and of the previous minor version`() {
        val contract = made("model.pte", "executorch" to "1.4.1")
        val loaded = listOf("1.4.0", "1.4.9", "1.5.0").map { Runtime.EXECUTORCH.refuses(contract, it) }
        assertEquals(listOf(null, null, null), loaded)
        val expected = "the artifact was made by ExecuTorch 1.4.1, and the app has 1.3.1, expected 1.4 or 1.5"
        assertEquals(expected, Runtime.EXECUTORCH.refuses(contract, "1.3.1"))
        assertEquals(2, listOf("1.6.0", "2.4.0").mapNotNull { Runtime.EXECUTORCH.refuses(contract, it) }.size)
    }

    @Test
    fun `LiteRT loads artifacts of its major version, and unknown versions are not judged`() {
        val contract = made("model.tflite", "ai-edge-litert" to "2.3.0")
        assertEquals(null, Runtime.LITERT.refuses(contract, "2.1.0"))
        assertEquals(
            "the artifact was made by LiteRT 2.3.0, and the app has 1.4.2, expected 2.x",
            Runtime.LITERT.refuses(contract, "1.4.2"),
        )
        assertEquals(null, Runtime.LITERT.refuses(made("model.tflite"), "1.4.2"))
        assertEquals(null, Runtime.LITERT.refuses(contract, "nightly"))
    }

    private fun made(
        file: String,
        vararg toolchain: Pair<String, String>,
    ) = complete.copy(artifact = complete.artifact.copy(file = file, toolchain = mapOf(*toolchain)))
}
