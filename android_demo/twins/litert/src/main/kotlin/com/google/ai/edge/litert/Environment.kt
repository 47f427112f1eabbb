package com.google.ai.edge.litert

import dev.levitmobile.twin.litert.Native
import java.lang.foreign.MemorySegment

class Environment private constructor(
    handle: Long,
) : JniHandle(handle) {
    enum class Option private constructor(
        val value: Int,
    ) {
        CompilerPluginLibraryDir(0),
        DispatchLibraryDir(1),
    }

    override fun destroy() = Native.destroy("LiteRtDestroyEnvironment", handle)

    companion object {
        @Throws(LiteRtException::class)
        @JvmOverloads
        @JvmStatic
        fun create(options: Map<Option, String> = mapOf()): Environment {
            if (options.isNotEmpty()) throw UnsupportedOperationException("the twin takes no options for the environment")
            return Environment(Native.make("LiteRtCreateEnvironment", 0, MemorySegment.NULL))
        }
    }
}
