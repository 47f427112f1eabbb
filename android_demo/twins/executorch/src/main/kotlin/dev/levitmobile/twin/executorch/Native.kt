package dev.levitmobile.twin.executorch

import org.pytorch.executorch.DType
import org.pytorch.executorch.Tensor
import java.lang.foreign.AddressLayout
import java.lang.foreign.Arena
import java.lang.foreign.FunctionDescriptor
import java.lang.foreign.Linker
import java.lang.foreign.MemoryLayout
import java.lang.foreign.MemorySegment
import java.lang.foreign.SymbolLookup
import java.lang.foreign.ValueLayout
import java.lang.invoke.MethodHandle
import java.nio.ByteOrder

/**
 * The functions of `native/twin.cpp`.
 *
 * The system property `levit.executorch` names the library. Without it, nothing can be loaded, as on a 32-bit phone.
 */
internal object Native {
    private val linker = Linker.nativeLinker()
    private val library: SymbolLookup =
        System.getProperty("levit.executorch")?.let { SymbolLookup.libraryLookup(it, Arena.global()) }
            ?: throw UnsatisfiedLinkError("dlopen failed: library \"libexecutorch.so\" not found")
    private val address: AddressLayout = ValueLayout.ADDRESS
    private val int = ValueLayout.JAVA_INT
    private val open = function("twin_open", address, address, int)
    private val load = function("twin_load", int, address, address)
    private val method = function("twin_method", address, address, int)
    private val backend = function("twin_backend", address, address, address, int)
    private val loadMethod = function("twin_load_method", int, address, address)
    private val execute = function("twin_execute", int, address, address, address, int, address)
    private val output = function("twin_output", null, address, int, address)
    private val close = function("twin_close", null, address)

    fun open(
        path: String,
        threads: Int,
    ): MemorySegment = Arena.ofConfined().use { open.invokeWithArguments(it.allocateFrom(path), threads) as MemorySegment }

    /** Number of the program's methods, or a negative error code. */
    fun load(module: MemorySegment): Int =
        Arena.ofConfined().use {
            val count = it.allocate(int)
            val code = load.invokeWithArguments(module, count) as Int
            if (code == 0) count.get(int, 0) else -code
        }

    fun method(
        module: MemorySegment,
        index: Int,
    ): String = text(method.invokeWithArguments(module, index) as MemorySegment)

    fun backends(
        module: MemorySegment,
        method: String,
    ): List<String> =
        Arena.ofConfined().use { arena ->
            val name = arena.allocateFrom(method)
            generateSequence(0) { it + 1 }
                .map { backend.invokeWithArguments(module, name, it) as MemorySegment }
                .takeWhile { it != MemorySegment.NULL }
                .map(::text)
                .toList()
        }

    fun loadMethod(
        module: MemorySegment,
        method: String,
    ): Int = Arena.ofConfined().use { loadMethod.invokeWithArguments(module, it.allocateFrom(method)) as Int }

    /** Number of outputs, or a negative error code. */
    fun execute(
        module: MemorySegment,
        method: String,
        inputs: List<Tensor>,
    ): Int =
        Arena.ofConfined().use {
            val views = it.allocate(View.BYTES * inputs.size, 8)
            inputs.forEachIndexed { index, tensor -> View(views.asSlice(View.BYTES * index, View.BYTES)).set(tensor) }
            val count = it.allocate(int)
            val code = execute.invokeWithArguments(module, it.allocateFrom(method), views, inputs.size, count) as Int
            if (code == 0) count.get(int, 0) else -code
        }

    /** A tensor over the method's own memory, for as long as [life] lasts; null if the output is not a tensor. */
    fun output(
        module: MemorySegment,
        index: Int,
        life: Arena,
    ): Tensor? =
        Arena.ofConfined().use {
            val view = it.allocate(View.BYTES, 8)
            output.invokeWithArguments(module, index, view)
            View(view).tensor(life)
        }

    fun close(module: MemorySegment) {
        close.invokeWithArguments(module)
    }

    private fun text(pointer: MemorySegment): String = pointer.reinterpret(Long.MAX_VALUE).getString(0)

    private fun function(
        name: String,
        result: MemoryLayout?,
        vararg types: MemoryLayout,
    ): MethodHandle {
        val descriptor = if (result == null) FunctionDescriptor.ofVoid(*types) else FunctionDescriptor.of(result, *types)
        return linker.downcallHandle(library.find(name).get(), descriptor)
    }
}

/** The structure `View` of the native code. */
private class View(
    private val memory: MemorySegment,
) {
    fun set(tensor: Tensor) {
        val data = tensor.getRawDataBuffer()
        memory.set(ValueLayout.JAVA_INT, 0, tensor.dtype().jniCode)
        memory.set(ValueLayout.JAVA_INT, 4, tensor.shape().size)
        memory.set(ValueLayout.ADDRESS, 8, MemorySegment.ofBuffer(data.duplicate().clear()))
        tensor.shape().forEachIndexed { place, size -> memory.set(ValueLayout.JAVA_INT, 24L + 4 * place, size.toInt()) }
    }

    fun tensor(life: Arena): Tensor? {
        val code = memory.get(ValueLayout.JAVA_INT, 0)
        if (code < 0) return null
        val shape = LongArray(memory.get(ValueLayout.JAVA_INT, 4)) { memory.get(ValueLayout.JAVA_INT, 24L + 4 * it).toLong() }
        val bytes = memory.get(ValueLayout.ADDRESS, 8).reinterpret(memory.get(ValueLayout.JAVA_LONG, 16), life, null)
        val buffer = bytes.asByteBuffer().order(ByteOrder.nativeOrder())
        return when (val type = DType.fromJniCode(code)) {
            DType.FLOAT -> FloatTensor(buffer.asFloatBuffer(), shape)
            DType.HALF -> HalfTensor(buffer.asShortBuffer(), shape)
            DType.INT8 -> ByteTensor(buffer, shape)
            DType.UINT8 -> UnsignedByteTensor(buffer, shape)
            else -> throw UnsupportedOperationException("the twin has no tensor of $type")
        }
    }

    companion object {
        const val BYTES = 56L
    }
}
