package com.google.ai.edge.litert

import java.util.concurrent.atomic.AtomicBoolean

enum class Accelerator private constructor(
    val value: Int,
) {
    NONE(0),
    CPU(1),
    GPU(2),
    NPU(3),
}

abstract class JniHandle internal constructor(
    internal val handle: Long,
) : AutoCloseable {
    private val destroyed = AtomicBoolean(false)

    protected fun assertNotDestroyed() {
        check(!destroyed.get()) { "The handle has been destroyed." }
    }

    protected abstract fun destroy()

    final override fun close() {
        if (destroyed.compareAndSet(false, true)) destroy()
    }
}

/** The status is private, as the vendor's is. */
class LiteRtException(
    private val status: Status,
    message: String,
) : Exception(message) {
    constructor(code: Int, message: String) : this(Status.fromCode(code), message)
}

/** The values that the runtime of the wheel was seen to give, and their neighbours. */
enum class Status(
    val code: Int,
) {
    Ok(0),
    ErrorInvalidArgument(1),
    ErrorMemoryAllocationFailure(2),
    ErrorRuntimeFailure(3),
    ErrorMissingInputTensor(4),
    ErrorUnsupported(5),
    ErrorNotFound(6),
    ErrorTimeoutExpired(7),
    ErrorWrongVersion(8),
    ErrorUnknown(9),
    ErrorFileIO(500),
    ErrorInvalidFlatbuffer(501),
    ErrorDynamicLoading(502),
    ErrorSerialization(503),
    ErrorCompilation(504),
    ;

    companion object {
        fun fromCode(code: Int): Status = requireNotNull(entries.firstOrNull { it.code == code }) { "Unknown status code: $code" }
    }
}
