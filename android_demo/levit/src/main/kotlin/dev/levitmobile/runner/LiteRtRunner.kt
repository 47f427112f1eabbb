package dev.levitmobile.runner

import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer
import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.Runtime
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.Accelerator
import com.google.ai.edge.litert.Accelerator as LiteRtAccelerator

/**
 * Runs a `.tflite` artifact with LiteRT's compiled model on exactly one accelerator.
 *
 * LiteRT given a list of accelerators falls back to the CPU without a word, so a list is never given. LiteRT compares
 * neither the type nor the size of what is written with the tensor; this class compares the contract with the tensors
 * when it opens the artifact, and every image with the contract.
 *
 * LiteRT copies each input and allocates an array for each output; nothing else is allocated per image.
 *
 * @param threads Number of CPU threads, 1 or more; without meaning on a GPU.
 * @throws NotAvailableException The device has no such accelerator or cannot load LiteRT, or LiteRT's class cannot hand
 *   over the artifact's type of input or output.
 * @throws InferenceException LiteRT refuses the artifact, or its tensors are not those of the contract.
 */
public class LiteRtRunner(
    bundle: Bundle,
    override val accelerator: Accelerator = Accelerator.CPU,
    override val threads: Int = 1,
) : Runner {
    private val input = LiteRtInput.of(bundle.contract)
    private val output = LiteRtOutput.of(bundle.contract)
    private val opened: OpenedLiteRt
    private var closed = false

    init {
        requireLoadable(bundle, Runtime.LITERT, threads)
        opened = open(bundle)
    }

    override val classes: Int get() = output.classes

    override val notes: List<String> =
        if (accelerator == Accelerator.GPU) {
            listOf("LiteRT does not report which share of the artifact ran on the GPU")
        } else {
            listOf("LiteRT ran the artifact with XNNPACK on $threads CPU thread(s)")
        }

    override fun write(pixels: ByteArray) {
        requireOpen()
        input.fill(pixels)
        reported("did not take the image") { input.send(opened.input) }
    }

    override fun run() {
        requireOpen()
        reported("failed while it ran the artifact") { opened.run() }
    }

    override fun read(logits: FloatArray) {
        requireOpen()
        require(logits.size == classes) { "the target has ${logits.size} values, expected $classes" }
        reported("did not give the logits") { output.read(opened.output, logits) }
    }

    override fun close() {
        if (closed) return
        closed = true
        opened.close()
    }

    private fun requireOpen() = check(!closed) { "the runner is closed" }

    private fun open(bundle: Bundle): OpenedLiteRt =
        try {
            OpenedLiteRt.open(bundle, options())
        } catch (error: LinkageError) {
            throw noLibrary(Runtime.LITERT, error)
        } catch (error: LiteRtException) {
            throw refused(error)
        }

    private fun options(): CompiledModel.Options =
        when (accelerator) {
            Accelerator.GPU -> CompiledModel.Options(LiteRtAccelerator.GPU)
            Accelerator.CPU ->
                CompiledModel.Options(LiteRtAccelerator.CPU).apply {
                    cpuOptions = CompiledModel.CpuOptions(threads, null, null)
                }
        }

    private fun refused(error: LiteRtException): Exception {
        if (accelerator == Accelerator.CPU) return InferenceException("LiteRT refuses the artifact: ${sentence(error)}", error)
        return NotAvailableException("LiteRT cannot run the artifact on this device's GPU: ${sentence(error)}", error)
    }
}

/** What LiteRT holds for one artifact: all of it is made once, and freed in the opposite order. */
private class OpenedLiteRt(
    private val environment: Environment,
    private val model: CompiledModel,
    private val inputs: List<TensorBuffer>,
    private val outputs: List<TensorBuffer>,
) : AutoCloseable {
    val input: TensorBuffer get() = inputs[0]
    val output: TensorBuffer get() = outputs[0]

    fun run() = model.run(inputs, outputs)

    override fun close() {
        (inputs + outputs).forEach(TensorBuffer::close)
        model.close()
        environment.close()
    }

    companion object {
        /** The environment is made here, because LiteRT's own one is lost if the artifact is refused. */
        fun open(
            bundle: Bundle,
            options: CompiledModel.Options,
        ): OpenedLiteRt {
            val environment = Environment.create()
            return orClose(environment) {
                val model = CompiledModel.create(bundle.artifact.path, options, environment)
                orClose(model) { of(environment, model, bundle.contract) }
            }
        }

        private fun of(
            environment: Environment,
            model: CompiledModel,
            contract: Contract,
        ): OpenedLiteRt {
            requireTensors(model, contract)
            val inputs = model.createInputBuffers()
            val outputs = orClose(AutoCloseable { inputs.forEach(TensorBuffer::close) }) { model.createOutputBuffers() }
            val opened = OpenedLiteRt(environment, model, inputs, outputs)
            if (inputs.size == 1 && outputs.size == 1) return opened
            (inputs + outputs).forEach(TensorBuffer::close)
            throw InferenceException("the artifact has ${inputs.size} inputs and ${outputs.size} outputs, expected one of each")
        }

        private inline fun <T> orClose(
            owned: AutoCloseable,
            make: () -> T,
        ): T =
            try {
                make()
            } catch (error: Throwable) {
                owned.close()
                throw error
            }
    }
}

private inline fun reported(
    what: String,
    step: () -> Unit,
) {
    try {
        step()
    } catch (error: LiteRtException) {
        throw InferenceException("LiteRT $what: ${sentence(error)}", error)
    }
}

/** LiteRT's message, and its status where it can be read: the class keeps it in a private field. */
internal fun sentence(error: LiteRtException): String {
    val status =
        try {
            LiteRtException::class.java
                .getDeclaredField("status")
                .apply { isAccessible = true }
                .get(error)
        } catch (_: ReflectiveOperationException) {
            null
        }
    return listOfNotNull(error.message?.takeIf(String::isNotBlank), status?.let { "status $it" }).joinToString(", ")
}
