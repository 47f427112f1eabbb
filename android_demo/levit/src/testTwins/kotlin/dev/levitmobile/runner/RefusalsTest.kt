package dev.levitmobile.runner

import dev.levitmobile.TestBundles
import dev.levitmobile.TestBundles.EXECUTORCH
import dev.levitmobile.TestBundles.LITERT
import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.InputType
import dev.levitmobile.contract.MemoryOrder
import dev.levitmobile.contract.OutputType
import dev.levitmobile.contract.Runtime
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.store.Bundle
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.timing.Accelerator
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import java.io.File
import java.io.RandomAccessFile
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** What the runners refuse, and in which words. */
class RefusalsTest {
    @get:Rule
    val temporary = TemporaryFolder()

    @Before
    fun bundlesExist() = assumeTrue(TestBundles.names.isNotEmpty())

    @Test
    fun `a GPU that is not there is not replaced by the CPU`() {
        val error = assertFailsWith<NotAvailableException> { Runners.open(TestBundles.open(LITERT), Accelerator.GPU) }
        assertContains(error.message.orEmpty(), "GPU")
        assertContains(error.message.orEmpty(), "ErrorCompilation")
    }

    @Test
    fun `ExecuTorch has no GPU`() {
        val error = assertFailsWith<NotAvailableException> { Runners.open(TestBundles.open(EXECUTORCH), Accelerator.GPU) }
        assertContains(error.message.orEmpty(), "CPU only")
    }

    @Test
    fun `an image of another size is refused before the runtime sees it`() {
        for (name in listOf(LITERT, EXECUTORCH)) {
            Runners.open(TestBundles.open(name)).use { runner ->
                val image = TestBundles.open(name).golden[0]
                val right = runner.infer(image.pixels)
                for (size in listOf(0, 3, image.pixels.size - 1, image.pixels.size + 1)) {
                    assertFailsWith<IllegalArgumentException>("$name, $size bytes") { runner.write(ByteArray(size)) }
                }
                runner.run()
                assertContentEquals(right, FloatArray(runner.classes).also(runner::read), "the input still holds the image before")
            }
        }
    }

    @Test
    fun `a target of another size gets no logits`() {
        for (name in listOf(LITERT, EXECUTORCH)) {
            Runners.open(TestBundles.open(name)).use { runner ->
                runner.infer(TestBundles.open(name).golden[0].pixels)
                assertFailsWith<IllegalArgumentException> { runner.read(FloatArray(9)) }
                assertFailsWith<IllegalArgumentException> { runner.read(FloatArray(11)) }
            }
        }
    }

    @Test
    fun `a closed runner does nothing, and closes twice`() {
        for (name in listOf(LITERT, EXECUTORCH)) {
            val pixels = TestBundles.open(name).golden[0].pixels
            val runner = Runners.open(TestBundles.open(name))
            runner.infer(pixels)
            runner.close()
            runner.close()
            assertFailsWith<IllegalStateException> { runner.write(pixels) }
            assertFailsWith<IllegalStateException> { runner.run() }
            assertFailsWith<IllegalStateException> { runner.read(FloatArray(10)) }
        }
    }

    @Test
    fun `a file that is cut short, swapped or gone since the bundle was opened reaches no runtime`() {
        for (name in listOf(LITERT, EXECUTORCH)) {
            val bundle = copied(name)
            RandomAccessFile(bundle.artifact, "rw").use { it.setLength(3000) }
            assertContains(assertFailsWith<DamagedBundleException> { Runners.open(bundle) }.message.orEmpty(), "has 3000 bytes, expected")
            check(bundle.artifact.delete())
            assertContains(assertFailsWith<DamagedBundleException> { Runners.open(bundle) }.message.orEmpty(), "has 0 bytes, expected")
            TestBundles.open(name.replace("fp32", "fp16")).artifact.copyTo(bundle.artifact)
            assertFailsWith<DamagedBundleException> { Runners.open(bundle) }
        }
    }

    @Test
    fun `a file of another format is refused in words`() {
        for ((name, other) in listOf(LITERT to EXECUTORCH, EXECUTORCH to LITERT)) {
            val file = TestBundles.open(other).artifact
            val folder =
                TestBundles.changed(name, File(temporary.newFolder(), "bundle")) {
                    it.copy(artifact = it.artifact.copy(bytes = file.length(), sha256 = TestBundles.sha256(file)))
                }
            file.copyTo(File(folder, TestBundles.open(name).artifact.name), overwrite = true)
            val error = assertFailsWith<InferenceException> { Runners.open(Bundle.open(folder)) }
            assertContains(error.message.orEmpty(), "refuses the artifact")
        }
    }

    @Test
    fun `a bundle whose file is cut short or swapped is not opened`() {
        val cut = temporary.newFolder("cut")
        TestBundles.folder(LITERT).copyRecursively(cut, overwrite = true)
        RandomAccessFile(File(cut, "model.tflite"), "rw").use { it.setLength(3000) }
        assertFailsWith<DamagedBundleException> { Bundle.open(cut) }
        val swapped = temporary.newFolder("swapped")
        TestBundles.folder(LITERT).copyRecursively(swapped, overwrite = true)
        File(TestBundles.folder("levit_128s-tflite-fp16"), "model.tflite").copyTo(File(swapped, "model.tflite"), overwrite = true)
        assertFailsWith<DamagedBundleException> { Bundle.open(swapped) }
    }

    @Test
    fun `an artifact with other tensors than the contract's is refused`() {
        val smaller = changed(LITERT) { it.copy(input = it.input.copy(shape = listOf(1, 192, 192, 3)), preprocessing = smallerCrop(it)) }
        val error = assertFailsWith<InferenceException> { Runners.open(smaller) }
        assertContains(error.message.orEmpty(), "the contract states FLOAT32 [1, 192, 192, 3]")
        val integers = changed(LITERT) { it.copy(input = it.input.copy(dtype = InputType.INT8)) }
        assertContains(assertFailsWith<InferenceException> { Runners.open(integers) }.message.orEmpty(), "the contract states INT8")
        val output = changed(EXECUTORCH) { it.copy(output = it.output.copy(dtype = OutputType.INT8)) }
        Runners.open(output).use { runner ->
            runner.write(output.golden[0].pixels)
            assertContains(
                assertFailsWith<InferenceException> { runner.run() }.message.orEmpty(),
                "10 values of FLOAT, expected 10 of INT8",
            )
        }
    }

    @Test
    fun `an input of another type or size than the program's is refused by ExecuTorch`() {
        val halves = changed(EXECUTORCH) { it.copy(input = it.input.copy(dtype = InputType.FLOAT16)) }
        Runners.open(halves).use { runner ->
            runner.write(halves.golden[0].pixels)
            assertContains(
                assertFailsWith<InferenceException> { runner.run() }.message.orEmpty(),
                "ExecuTorch failed while it ran the artifact",
            )
        }
    }

    @Test
    fun `what a runtime's classes cannot hand over is not available`() {
        val halfInput = changed(LITERT) { it.copy(input = it.input.copy(dtype = InputType.FLOAT16)) }
        assertContains(assertFailsWith<NotAvailableException> { Runners.open(halfInput) }.message.orEmpty(), "float16 input")
        val halfOutput = changed(LITERT) { it.copy(output = it.output.copy(dtype = OutputType.FLOAT16)) }
        assertContains(assertFailsWith<NotAvailableException> { Runners.open(halfOutput) }.message.orEmpty(), "float16 output")
        val last = changed(EXECUTORCH) { it.copy(input = it.input.copy(memoryOrder = MemoryOrder.CHANNELS_LAST)) }
        assertContains(assertFailsWith<NotAvailableException> { Runners.open(last) }.message.orEmpty(), "channels come last")
    }

    @Test
    fun `an artifact of a newer ExecuTorch is not loaded`() {
        val newer = changed(EXECUTORCH) { it.copy(artifact = it.artifact.copy(toolchain = mapOf("executorch" to "1.5.0"))) }
        val error = assertFailsWith<NotAvailableException> { Runners.open(newer) }
        assertContains(error.message.orEmpty(), "made by ExecuTorch 1.5.0")
    }

    @Test
    fun `open ExecuTorch artifacts share one number of threads`() {
        val bundle = TestBundles.open(EXECUTORCH)
        val pixels = bundle.golden[0].pixels
        Runners.open(bundle, threads = 1).use { one ->
            val right = one.infer(pixels)
            val error = assertFailsWith<NotAvailableException> { Runners.open(bundle, threads = 2) }
            assertContains(error.message.orEmpty(), "one thread pool per process")
            Runners.open(bundle, threads = 1).use { assertContentEquals(right, it.infer(pixels)) }
            assertContentEquals(right, one.infer(pixels))
        }
        Runners.open(bundle, threads = 2).use { assertEquals(2, it.threads) }
    }

    @Test
    fun `no threads are refused`() {
        for (name in listOf(LITERT, EXECUTORCH)) {
            assertFailsWith<IllegalArgumentException> { Runners.open(TestBundles.open(name), threads = 0) }
        }
    }

    @Test
    fun `a runner refuses the other runtime's artifact`() {
        assertFailsWith<IllegalArgumentException> { LiteRtRunner(TestBundles.open(EXECUTORCH)) }
        assertFailsWith<IllegalArgumentException> { ExecuTorchRunner(TestBundles.open(LITERT)) }
    }

    @Test
    fun `the notes say what a record should state`() {
        Runners.open(TestBundles.open(LITERT), threads = 2).use { assertContains(it.notes.single(), "2 CPU thread") }
        Runners.open(TestBundles.open(EXECUTORCH)).use { assertEquals(2, it.notes.size) }
        assertEquals(setOf(Runtime.LITERT, Runtime.EXECUTORCH), Runners.versions.keys)
    }

    private fun copied(name: String): Bundle = changed(name) { it }

    private fun changed(
        name: String,
        change: (Contract) -> Contract,
    ): Bundle = Bundle.open(TestBundles.changed(name, File(temporary.newFolder(), "bundle"), change))

    private fun smallerCrop(contract: Contract) = contract.preprocessing.copy(cropHeight = 192, cropWidth = 192)
}
