package com.google.ai.edge.litert

import dev.levitmobile.twin.litert.CompiledNatives

/** A compiled model over the wheel's runtime, which has no GPU: to ask for one gives ErrorCompilation. */
class CompiledModel private constructor(
    private val natives: CompiledNatives,
    private val env: Environment,
    private val envManaged: Boolean,
) : JniHandle(natives.compiled) {
    data class CpuOptions(
        val numThreads: Int? = null,
        val xnnPackFlags: Int? = null,
        val xnnPackWeightCachePath: String? = null,
    )

    class Options constructor(
        internal val accelerators: Set<Accelerator>,
    ) {
        constructor(vararg accelerators: Accelerator) : this(setOf(*accelerators))

        var cpuOptions: CpuOptions? = null

        companion object {
            @JvmStatic
            val CPU = Options(Accelerator.CPU)
        }
    }

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun createInputBuffers(signatureIndex: Int = 0): List<TensorBuffer> {
        assertNotDestroyed()
        return natives.buffers("Input", env, signatureIndex)
    }

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun createOutputBuffers(signatureIndex: Int = 0): List<TensorBuffer> {
        assertNotDestroyed()
        return natives.buffers("Output", env, signatureIndex)
    }

    @Throws(LiteRtException::class)
    @JvmOverloads
    fun run(
        inputs: List<TensorBuffer>,
        outputs: List<TensorBuffer>,
        signatureIndex: Int = 0,
    ) {
        assertNotDestroyed()
        natives.run(inputs.map { it.handle }, outputs.map { it.handle }, signatureIndex)
    }

    fun getInputTensorType(
        inputName: String,
        signature: String = "",
    ): TensorType {
        assertNotDestroyed()
        return natives.type("Input", inputName, signature)
    }

    fun getOutputTensorType(
        outputName: String,
        signature: String = "",
    ): TensorType {
        assertNotDestroyed()
        return natives.type("Output", outputName, signature)
    }

    override fun destroy() {
        natives.destroy()
        if (envManaged) env.close()
    }

    companion object {
        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(
            filePath: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel {
            val env = optionalEnv ?: Environment.create()
            return CompiledModel(CompiledNatives.of(filePath, options, env), env, optionalEnv == null)
        }
    }
}
