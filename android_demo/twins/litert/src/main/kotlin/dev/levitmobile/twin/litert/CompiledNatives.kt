package dev.levitmobile.twin.litert

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.Environment
import com.google.ai.edge.litert.LiteRtException
import com.google.ai.edge.litert.TensorBuffer
import com.google.ai.edge.litert.TensorType
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout

/** The C interface's objects of one model. */
internal class CompiledNatives private constructor(
    private val model: Long,
    private val options: Long,
    val compiled: Long,
) {
    fun buffers(
        role: String,
        env: Environment,
        signature: Int,
    ): List<TensorBuffer> {
        val owner = Native.make("LiteRtGetModelSignature", Handle(model), signature.toLong())
        val count = Native.fill(8, "LiteRtGetNumSignature${role}s", Handle(owner)).get(ValueLayout.JAVA_LONG, 0)
        return List(count.toInt()) { index ->
            val tensor = Native.make("LiteRtGetSignature${role}TensorByIndex", Handle(owner), index.toLong())
            val type = Native.fill(Ranked.BYTES, "LiteRtGetRankedTensorType", Handle(tensor))
            val getter = "LiteRtGetCompiledModel${role}BufferRequirements"
            val needs = Native.make(getter, Handle(compiled), signature.toLong(), index.toLong())
            val creator = "LiteRtCreateManagedTensorBufferFromRequirements"
            TensorBuffer(Native.make(creator, Handle(env.handle), type, Handle(needs)))
        }
    }

    fun run(
        inputs: List<Long>,
        outputs: List<Long>,
        signature: Int,
    ) = Arena.ofConfined().use {
        Native.call(
            "LiteRtRunCompiledModel",
            Handle(compiled),
            signature.toLong(),
            inputs.size.toLong(),
            it.allocateFrom(ValueLayout.JAVA_LONG, *inputs.toLongArray()),
            outputs.size.toLong(),
            it.allocateFrom(ValueLayout.JAVA_LONG, *outputs.toLongArray()),
        )
    }

    /** An empty signature is the first one. */
    fun type(
        role: String,
        name: String,
        signature: String,
    ): TensorType {
        if (signature.isNotEmpty()) throw UnsupportedOperationException("the twin knows the first signature only")
        val owner = Native.make("LiteRtGetModelSignature", Handle(model), 0L)
        return Arena.ofConfined().use {
            val tensor = Native.make("LiteRtGetSignature${role}Tensor", Handle(owner), it.allocateFrom(name))
            Ranked(Native.fill(Ranked.BYTES, "LiteRtGetRankedTensorType", Handle(tensor))).type()
        }
    }

    fun destroy() {
        Native.destroy("LiteRtDestroyCompiledModel", compiled)
        Native.destroy("LiteRtDestroyOptions", options)
        Native.destroy("LiteRtDestroyModel", model)
    }

    companion object {
        fun of(
            path: String,
            options: CompiledModel.Options,
            env: Environment,
        ): CompiledNatives {
            val model = Arena.ofConfined().use { Native.make("LiteRtCreateModelFromFile", Handle(env.handle), it.allocateFrom(path)) }
            val natives = native(options)
            try {
                return CompiledNatives(
                    model,
                    natives,
                    Native.make("LiteRtCreateCompiledModel", Handle(env.handle), Handle(model), Handle(natives)),
                )
            } catch (error: LiteRtException) {
                Native.destroy("LiteRtDestroyOptions", natives)
                Native.destroy("LiteRtDestroyModel", model)
                throw error
            }
        }

        private fun native(options: CompiledModel.Options): Long {
            val made = Native.make("LiteRtCreateOptions")
            Native.call("LiteRtSetOptionsHardwareAccelerators", Handle(made), bits(options.accelerators))
            val cpu = options.cpuOptions ?: return made
            if (cpu.xnnPackFlags != null || cpu.xnnPackWeightCachePath != null) {
                throw UnsupportedOperationException("the twin takes no option for the CPU but the number of threads")
            }
            val threads = cpu.numThreads ?: return made
            Native.call("LiteRtAddOpaqueOptions", Handle(made), Handle(Native.opaqueOptions("xnnpack", "num_threads = $threads\n")))
            return made
        }

        /** The vendor adds the CPU to the NPU by itself. */
        private fun bits(asked: Set<Accelerator>): Int {
            val used = if (asked == setOf(Accelerator.NPU)) asked + Accelerator.CPU else asked
            return used.filter { it != Accelerator.NONE }.sumOf { 1 shl (it.value - 1) }
        }
    }
}
