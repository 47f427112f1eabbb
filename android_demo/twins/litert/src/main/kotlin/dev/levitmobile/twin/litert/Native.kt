package dev.levitmobile.twin.litert

import com.google.ai.edge.litert.LiteRtException
import java.lang.foreign.AddressLayout
import java.lang.foreign.Arena
import java.lang.foreign.FunctionDescriptor
import java.lang.foreign.Linker
import java.lang.foreign.MemoryLayout
import java.lang.foreign.MemorySegment
import java.lang.foreign.SymbolLookup
import java.lang.foreign.ValueLayout

/**
 * The C interface of `libLiteRt.so` from the wheel of ai-edge-litert: what LiteRT's JNI code stands on.
 *
 * The system property `levit.litert` names the library. Without it, nothing can be loaded, as on a 32-bit phone.
 */
internal object Native {
    private val linker = Linker.nativeLinker()
    private val library: SymbolLookup =
        System.getProperty("levit.litert")?.let { SymbolLookup.libraryLookup(it, Arena.global()) }
            ?: throw UnsatisfiedLinkError("dlopen failed: library \"liblitert_jni.so\" not found")
    private val pointer: AddressLayout = ValueLayout.ADDRESS
    private val free: MemorySegment = linker.defaultLookup().find("free").get()

    /** Call a function that returns a status. */
    fun call(
        name: String,
        vararg arguments: Any,
    ) {
        val status = invoke(name, ValueLayout.JAVA_INT, arguments) as Int
        if (status != 0) throw LiteRtException(status, "$name failed")
    }

    /** Call a function that returns nothing. */
    fun destroy(
        name: String,
        handle: Long,
    ) {
        invoke(name, null, arrayOf(MemorySegment.ofAddress(handle)))
    }

    /** Call a function whose last parameter receives a pointer. */
    fun make(
        name: String,
        vararg arguments: Any,
    ): Long =
        Arena.ofConfined().use {
            val out = it.allocate(pointer)
            call(name, *arguments, out)
            out.get(pointer, 0).address()
        }

    /** Call a function whose last parameter receives a structure of so many bytes. */
    fun fill(
        bytes: Long,
        name: String,
        vararg arguments: Any,
    ): MemorySegment {
        val structure = Arena.ofAuto().allocate(bytes, 8)
        call(name, *arguments, structure)
        return structure
    }

    /** Options in the form of TOML, which LiteRT frees by itself. */
    fun opaqueOptions(
        kind: String,
        toml: String,
    ): Long =
        Arena.ofConfined().use {
            val duplicate = linker.downcallHandle(linker.defaultLookup().find("strdup").get(), FunctionDescriptor.of(pointer, pointer))
            val text = duplicate.invokeWithArguments(it.allocateFrom(toml)) as MemorySegment
            make("LiteRtCreateOpaqueOptions", it.allocateFrom(kind), text, free)
        }

    private fun invoke(
        name: String,
        result: MemoryLayout?,
        arguments: Array<out Any>,
    ): Any? {
        val values = arguments.map { if (it is Handle) MemorySegment.ofAddress(it.address) else it }
        val types = values.map(::layoutOf).toTypedArray()
        val descriptor = if (result == null) FunctionDescriptor.ofVoid(*types) else FunctionDescriptor.of(result, *types)
        return linker.downcallHandle(library.find(name).get(), descriptor).invokeWithArguments(values)
    }

    private fun layoutOf(value: Any): MemoryLayout =
        when (value) {
            is Int -> ValueLayout.JAVA_INT
            is Long -> ValueLayout.JAVA_LONG
            is Boolean -> ValueLayout.JAVA_BOOLEAN
            else -> pointer
        }
}

/** A pointer as an argument; a Long is a number. */
internal class Handle(
    val address: Long,
)
