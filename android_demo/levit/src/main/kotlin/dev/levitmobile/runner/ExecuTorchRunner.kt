package dev.levitmobile.runner

import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.Layout
import dev.levitmobile.contract.OutputType
import dev.levitmobile.contract.Runtime
import dev.levitmobile.image.ElementType
import dev.levitmobile.image.TensorFormat
import dev.levitmobile.image.TensorWriter
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.prediction.LogitsReader
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.Accelerator
import org.pytorch.executorch.DType
import org.pytorch.executorch.EValue
import org.pytorch.executorch.ExecutorchRuntimeException
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Runs a `.pte` artifact with ExecuTorch on the CPU.
 *
 * The file is mapped into memory instead of copied. ExecuTorch's outputs are views of its own memory, which the next
 * call overwrites and closing frees, so [run] copies the logits before it returns. The input is one direct buffer, which
 * ExecuTorch reads in place.
 *
 * ExecuTorch has one thread pool per process. A change of its size frees the pool that open artifacts use, and their
 * next run would crash. So all artifacts that are open at the same time have the same number of threads.
 *
 * @param threads Number of CPU threads, 1 or more. ExecuTorch would take half of the cores by itself.
 * @throws NotAvailableException The device cannot load ExecuTorch, the app's ExecuTorch lacks a backend or operator of
 *   the artifact, its classes cannot hand over the artifact's type of input, or an open artifact uses another number of
 *   threads.
 * @throws InferenceException ExecuTorch refuses the artifact.
 */
public class ExecuTorchRunner(
    bundle: Bundle,
    override val threads: Int = 1,
) : Runner {
    private val writer = TensorWriter(formatOf(bundle.contract))
    private val reader = LogitsReader(bundle.contract.output)
    private val pixels = direct(writer.format.bytes)
    private val logits = direct(reader.bytes)
    private val output = ExecuTorchOutput(bundle.contract.output.dtype, reader.classes, logits)
    private val module: Module
    private val input: EValue
    private var closed = false

    init {
        requireLoadable(bundle, Runtime.EXECUTORCH, threads)
        input = available { EValue.from(tensor(pixels, writer.format.type, bundle.contract)) }
        module = ThreadPool.reserving(threads) { available { loaded(bundle) } } // last: nothing may fail while it is held
    }

    override val accelerator: Accelerator get() = Accelerator.CPU

    override val classes: Int get() = reader.classes

    override val notes: List<String> =
        listOf(
            "ExecuTorch mapped the artifact's file into memory",
            "ExecuTorch ran the artifact with a pool of $threads thread(s), which the whole process shares",
        )

    override fun write(pixels: ByteArray) {
        requireOpen()
        writer.write(pixels, this.pixels)
    }

    override fun run() {
        requireOpen()
        output.copy(reported("failed while it ran the artifact") { module.forward(input) })
    }

    override fun read(logits: FloatArray) {
        requireOpen()
        reader.read(this.logits, logits)
    }

    override fun close() {
        if (closed) return
        closed = true
        try {
            module.close()
        } finally {
            ThreadPool.release()
        }
    }

    private fun requireOpen() = check(!closed) { "the runner is closed" }

    private fun loaded(bundle: Bundle): Module {
        val module = reported(REFUSES) { Module.load(bundle.artifact.path, Module.LOAD_MODE_MMAP, threads) }
        try {
            return module.also { reported(REFUSES) { it.loadMethod(FORWARD) } }
        } catch (error: Throwable) {
            module.close()
            throw error
        }
    }

    private inline fun <T> available(step: () -> T): T =
        try {
            step()
        } catch (error: LinkageError) {
            throw noLibrary(Runtime.EXECUTORCH, error)
        }

    private companion object {
        const val FORWARD = "forward"
        const val REFUSES = "refuses the artifact"
    }
}

/** The open artifacts of this process, and the size of the pool that they share. */
private object ThreadPool {
    private var artifacts = 0
    private var size = 0

    @Synchronized
    fun reserving(
        threads: Int,
        load: () -> Module,
    ): Module {
        if (artifacts > 0 && threads != size) {
            throw NotAvailableException(
                "ExecuTorch has one thread pool per process, and an open artifact uses it with $size thread(s); " +
                    "close that one before opening one with $threads",
            )
        }
        return load().also {
            artifacts++
            size = threads
        }
    }

    @Synchronized
    fun release() {
        artifacts--
    }
}

/** Copies ExecuTorch's output into a buffer of ours. */
private class ExecuTorchOutput(
    private val type: OutputType,
    private val classes: Int,
    private val into: ByteBuffer,
) {
    private val floats = into.asFloatBuffer()
    private val halves = into.asShortBuffer()
    private val expected =
        when (type) {
            OutputType.FLOAT32 -> DType.FLOAT
            OutputType.FLOAT16 -> DType.HALF
            OutputType.INT8 -> DType.INT8
        }

    fun copy(outputs: Array<EValue>) {
        if (outputs.size != 1 || !outputs[0].isTensor) {
            throw InferenceException("the artifact gave ${outputs.size} outputs, expected one tensor of logits")
        }
        val tensor = outputs[0].toTensor()
        if (tensor.dtype() != expected || tensor.numel() != classes.toLong()) {
            throw InferenceException("the artifact gave ${tensor.numel()} values of ${tensor.dtype()}, expected $classes of $expected")
        }
        when (type) {
            OutputType.FLOAT32 -> tensor.copyDataInto(floats.apply { clear() })
            OutputType.FLOAT16 -> tensor.copyDataInto(halves.apply { clear() })
            OutputType.INT8 -> tensor.copyDataInto(into.apply { clear() })
        }
        into.clear()
    }
}

private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())

private fun formatOf(contract: Contract): TensorFormat {
    val format = TensorFormat.of(contract.input)
    if (format.channelsLast && contract.input.layout == Layout.NCHW) {
        throw NotAvailableException("ExecuTorch's Tensor cannot hand over an input whose channels come last in memory")
    }
    return format
}

private fun tensor(
    bytes: ByteBuffer,
    type: ElementType,
    contract: Contract,
): Tensor {
    val shape = LongArray(contract.input.shape.size) { contract.input.shape[it].toLong() }
    return when (type) {
        ElementType.FLOAT32 -> Tensor.fromBlob(bytes.asFloatBuffer(), shape)
        ElementType.FLOAT16 -> Tensor.fromBlob(bytes.asShortBuffer(), shape)
        ElementType.INT8 -> Tensor.fromBlob(bytes, shape)
        ElementType.UINT8 -> Tensor.fromBlobUnsigned(bytes, shape)
    }
}

private inline fun <T> reported(
    what: String,
    step: () -> T,
): T =
    try {
        step()
    } catch (error: ExecutorchRuntimeException) {
        throw explained(what, error)
    } catch (error: IllegalArgumentException) {
        throw InferenceException("ExecuTorch $what: ${error.message}", error)
    }

/** What an error code means; source of the codes: `runtime/core/error.h` of ExecuTorch 1.4.1. */
private fun explained(
    what: String,
    error: ExecutorchRuntimeException,
): Exception {
    val reason =
        when (error.errorCode) {
            ExecutorchRuntimeException.NOT_FOUND -> "the app's ExecuTorch has no such backend or method"
            ExecutorchRuntimeException.OPERATOR_MISSING -> "the app's ExecuTorch lacks one of its operators"
            ExecutorchRuntimeException.INVALID_PROGRAM -> "the file is damaged or made by a newer ExecuTorch"
            ExecutorchRuntimeException.ACCESS_FAILED -> "the file cannot be read"
            ExecutorchRuntimeException.MEMORY_ALLOCATION_FAILED,
            ExecutorchRuntimeException.DELEGATE_MEMORY_ALLOCATION_FAILED,
            -> "the device's memory does not suffice"
            ExecutorchRuntimeException.DELEGATE_INVALID_COMPATIBILITY -> "it was made for another version of its backend"
            else -> null
        }
    val sentence = listOfNotNull("ExecuTorch $what", reason, error.message).joinToString(": ")
    val missing = error.errorCode == ExecutorchRuntimeException.NOT_FOUND || error.errorCode == ExecutorchRuntimeException.OPERATOR_MISSING
    return if (missing) NotAvailableException(sentence, error) else InferenceException(sentence, error)
}
