package org.pytorch.executorch

open class ExecutorchRuntimeException(
    val errorCode: Int,
    details: String?,
) : RuntimeException("[ExecuTorch Error 0x${Integer.toHexString(errorCode)}] ${NAMES[errorCode] ?: "Unknown error"}: $details") {
    class ExecutorchInvalidArgumentException(
        details: String?,
    ) : ExecutorchRuntimeException(INVALID_ARGUMENT, details)

    companion object {
        const val OK = 0x00
        const val INTERNAL = 0x01
        const val INVALID_STATE = 0x02
        const val NOT_SUPPORTED = 0x10
        const val NOT_IMPLEMENTED = 0x11
        const val INVALID_ARGUMENT = 0x12
        const val INVALID_TYPE = 0x13
        const val OPERATOR_MISSING = 0x14
        const val NOT_FOUND = 0x20
        const val MEMORY_ALLOCATION_FAILED = 0x21
        const val ACCESS_FAILED = 0x22
        const val INVALID_PROGRAM = 0x23
        const val INVALID_EXTERNAL_DATA = 0x24
        const val OUT_OF_RESOURCES = 0x25
        const val DELEGATE_INVALID_COMPATIBILITY = 0x30
        const val DELEGATE_MEMORY_ALLOCATION_FAILED = 0x31
        const val DELEGATE_INVALID_HANDLE = 0x32

        private val NAMES =
            mapOf(
                INTERNAL to "Internal error",
                INVALID_ARGUMENT to "Invalid argument",
                OPERATOR_MISSING to "Operator missing",
                NOT_FOUND to "Resource not found",
                ACCESS_FAILED to "Access failed",
                INVALID_PROGRAM to "Invalid program",
            )

        @JvmStatic
        fun makeExecutorchException(
            errorCode: Int,
            details: String?,
        ): RuntimeException =
            if (errorCode ==
                INVALID_ARGUMENT
            ) {
                ExecutorchInvalidArgumentException(details)
            } else {
                ExecutorchRuntimeException(errorCode, details)
            }
    }
}
