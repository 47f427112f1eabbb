package dev.levitmobile.twins

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.LiteRtException
import dev.levitmobile.TestBundles
import org.junit.Assume.assumeTrue
import org.junit.Before
import org.junit.Test
import org.pytorch.executorch.EValue
import org.pytorch.executorch.ExecutorchRuntimeException
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor
import java.nio.FloatBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.thread
import kotlin.concurrent.withLock
import kotlin.test.assertContains
import kotlin.test.assertContentEquals
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertNotEquals

/** The twins have the vendors' sharp edges, so that a runner that runs into one fails here too. */
class EdgesTest {
    private val shape = longArrayOf(1, 3, 224, 224)

    @Before
    fun bundlesExist() = assumeTrue(TestBundles.names.isNotEmpty())

    @Test
    fun `LiteRT has no GPU, and falls back to the CPU only where it may`() {
        val path = TestBundles.open(TestBundles.LITERT).artifact.path
        val error = assertFailsWith<LiteRtException> { CompiledModel.create(path, CompiledModel.Options(Accelerator.GPU)) }
        assertEquals("ErrorCompilation", statusOf(error))
        CompiledModel.create(path, CompiledModel.Options(Accelerator.GPU, Accelerator.CPU)).close()
    }

    @Test
    fun `LiteRT takes a short array and another type without a word, and refuses only a longer one`() {
        val path = TestBundles.open(TestBundles.LITERT).artifact.path
        CompiledModel.create(path).use { model ->
            val input = model.createInputBuffers().single()
            val output = model.createOutputBuffers().single()
            input.writeFloat(FloatArray(224 * 224 * 3) { 1f })
            input.writeFloat(FloatArray(10) { 2f })
            input.writeInt8(ByteArray(4))
            val kept = input.readFloat()
            assertContentEquals(floatArrayOf(0f, 2f), kept.copyOfRange(0, 2))
            assertContentEquals(floatArrayOf(2f, 1f), kept.copyOfRange(9, 11))
            assertEquals(
                "ErrorRuntimeFailure",
                statusOf(assertFailsWith<LiteRtException> { input.writeFloat(FloatArray(224 * 224 * 3 + 1)) }),
            )
            listOf(input, output).forEach { it.close() }
            assertFailsWith<IllegalStateException> { input.readFloat() }
        }
    }

    @Test
    fun `an output of ExecuTorch is the next call's memory, and is gone with the module`() {
        val module = Module.load(TestBundles.open(TestBundles.EXECUTORCH).artifact.path)
        val input = Tensor.allocateFloatBuffer(3 * 224 * 224)
        val first = module.forward(EValue.from(Tensor.fromBlob(input, shape))).single().toTensor()
        val before = first.dataAsFloatArray
        for (place in 0 until input.capacity()) input.put(place, 1f)
        module.forward(EValue.from(Tensor.fromBlob(input, shape)))
        assertNotEquals(before.toList(), first.dataAsFloatArray.toList())
        module.destroy()
        assertFailsWith<IllegalStateException> { first.dataAsFloatArray }
        assertFailsWith<IllegalStateException> { module.forward(EValue.from(Tensor.fromBlob(input, shape))) }
    }

    @Test
    fun `ExecuTorch takes direct buffers of the shape's size only`() {
        assertFailsWith<IllegalArgumentException> { Tensor.fromBlob(FloatBuffer.allocate(3 * 224 * 224), shape) }
        assertFailsWith<IllegalArgumentException> { Tensor.fromBlob(Tensor.allocateFloatBuffer(7), shape) }
    }

    @Test
    fun `a program that is cut short has the code of an invalid argument`() {
        val cut =
            kotlin.io.path
                .createTempFile(suffix = ".pte")
                .toFile()
        try {
            cut.writeBytes(
                TestBundles
                    .open(TestBundles.EXECUTORCH)
                    .artifact
                    .inputStream()
                    .use { it.readNBytes(3000) },
            )
            val error = assertFailsWith<ExecutorchRuntimeException> { Module.load(cut.path) }
            assertEquals(ExecutorchRuntimeException.INVALID_ARGUMENT, error.errorCode)
            assertContains(error.message.orEmpty(), "Native Error: 0x23")
        } finally {
            cut.delete()
        }
    }

    @Test
    fun `a module that is executing is not destroyed`() {
        val module = Module.load(TestBundles.open(TestBundles.EXECUTORCH).artifact.path)
        val lock =
            Module::class.java
                .getDeclaredField("lock")
                .apply { isAccessible = true }
                .get(module) as ReentrantLock
        val held = CountDownLatch(1)
        val done = CountDownLatch(1)
        val executing =
            thread {
                lock.withLock {
                    held.countDown()
                    done.await()
                }
            }
        held.await()
        assertContains(assertFailsWith<IllegalStateException> { module.destroy() }.message.orEmpty(), "while method is executing")
        done.countDown()
        executing.join()
        module.destroy()
    }

    private fun statusOf(error: LiteRtException): String =
        LiteRtException::class.java
            .getDeclaredField("status")
            .apply { isAccessible = true }
            .get(error)
            .toString()
}
