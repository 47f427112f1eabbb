package org.pytorch.executorch

import dev.levitmobile.twin.executorch.Native
import java.io.Closeable
import java.io.File
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.util.concurrent.locks.ReentrantLock

/** A program over the wheel's runtime, with the locks and the error codes of the vendor's class. */
open class Module private constructor(
    modulePath: String,
    numThreads: Int,
) : Closeable {
    private val lock = ReentrantLock()
    private val life = Arena.ofShared()
    private val native: MemorySegment = Native.open(modulePath, numThreads)
    private var valid = true
    private val metadata: Map<String, MethodMetadata> =
        methodNames().associateWith { MethodMetadata(it, Native.backends(native, it).toTypedArray()) }

    open fun forward(vararg inputs: EValue): Array<EValue> = execute("forward", *inputs)

    /** The vendor runs sample inputs where none are given; the twin refuses, so that a test sees it. */
    open fun execute(
        methodName: String,
        vararg inputs: EValue,
    ): Array<EValue> =
        locked {
            if (inputs.isEmpty()) throw UnsupportedOperationException("no inputs: the vendor's class would run sample inputs")
            val outputs = Native.execute(native, methodName, inputs.map { it.toTensor() })
            if (outputs < 0) throw ExecutorchRuntimeException.makeExecutorchException(-outputs, "Execution failed for method: $methodName")
            Array(outputs) { index -> Native.output(native, index, life)?.let { EValue.from(it) } ?: EValue.optionalNone() }
        }

    open fun loadMethod(methodName: String): Unit =
        locked {
            val code = Native.loadMethod(native, methodName)
            if (code != 0) throw ExecutorchRuntimeException.makeExecutorchException(code, "Failed to load method: $methodName")
        }

    open fun getMethods(): Array<String> = locked { methodNames().toTypedArray() }

    open fun getMethodMetadata(name: String): MethodMetadata =
        locked { metadata[name] ?: throw IllegalArgumentException("method $name does not exist for this module") }

    /** Frees the outputs too; to read one afterwards is undefined on a phone, and an IllegalStateException here. */
    open fun destroy() {
        check(lock.tryLock()) { "Cannot destroy module while method is executing" }
        try {
            if (!valid) return
            valid = false
            life.close()
            Native.close(native)
        } finally {
            lock.unlock()
        }
    }

    override fun close() = destroy()

    /** The vendor's native code gives this code, whatever the program's own error is. */
    private fun methodNames(): List<String> {
        val count = Native.load(native)
        if (count >= 0) return List(count) { Native.method(native, it) }
        val error = "Cannot get load module [Native Error: 0x${Integer.toHexString(-count).uppercase()}]"
        throw ExecutorchRuntimeException.makeExecutorchException(ExecutorchRuntimeException.INVALID_ARGUMENT, error)
    }

    private inline fun <T> locked(work: () -> T): T {
        lock.lock()
        try {
            check(valid) { "Module has been destroyed" }
            return work()
        } finally {
            lock.unlock()
        }
    }

    companion object {
        const val LOAD_MODE_FILE = 0
        const val LOAD_MODE_MMAP = 1
        const val LOAD_MODE_MMAP_USE_MLOCK = 2
        const val LOAD_MODE_MMAP_USE_MLOCK_IGNORE_ERRORS = 3

        /** The twin maps the file, whatever the mode is. */
        @JvmStatic
        @JvmOverloads
        fun load(
            modelPath: String?,
            loadMode: Int = LOAD_MODE_FILE,
            numThreads: Int = 0,
        ): Module {
            require(loadMode in LOAD_MODE_FILE..LOAD_MODE_MMAP_USE_MLOCK_IGNORE_ERRORS) { "load mode $loadMode" }
            val path = requireNotNull(modelPath) { "Cannot load model path: path is null" }
            val file = File(path)
            require(file.exists()) { "Cannot load model path: path does not exist: $path" }
            require(file.isFile) { "Cannot load model path: path is not a file: $path" }
            return Module(path, numThreads)
        }
    }
}
