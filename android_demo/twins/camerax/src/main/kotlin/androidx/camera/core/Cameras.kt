package androidx.camera.core

import androidx.lifecycle.LiveData

interface Camera {
    val cameraInfo: CameraInfo
}

interface CameraInfo {
    val sensorRotationDegrees: Int
    val cameraState: LiveData<CameraState>
    val lensFacing: Int
}

interface CameraProvider {
    fun hasCamera(cameraSelector: CameraSelector): Boolean
}

class CameraSelector internal constructor(
    internal val lens: Int,
) {
    class Builder {
        private var lens = LENS_FACING_UNKNOWN

        fun requireLensFacing(lensFacing: Int): Builder = apply { lens = lensFacing }

        fun build(): CameraSelector = CameraSelector(lens)
    }

    companion object {
        const val LENS_FACING_UNKNOWN = -1
        const val LENS_FACING_FRONT = 0
        const val LENS_FACING_BACK = 1

        @JvmField
        val DEFAULT_FRONT_CAMERA = CameraSelector(LENS_FACING_FRONT)

        @JvmField
        val DEFAULT_BACK_CAMERA = CameraSelector(LENS_FACING_BACK)
    }
}

abstract class CameraState {
    abstract val type: Type
    abstract val error: StateError?

    enum class Type {
        PENDING_OPEN,
        OPENING,
        OPEN,
        CLOSING,
        CLOSED,
    }

    abstract class StateError {
        abstract val code: Int
        abstract val cause: Throwable?

        companion object {
            @JvmStatic
            fun create(error: Int): StateError = create(error, null)

            @JvmStatic
            fun create(
                error: Int,
                cause: Throwable?,
            ): StateError =
                object : StateError() {
                    override val code = error
                    override val cause = cause
                }
        }
    }

    companion object {
        const val ERROR_MAX_CAMERAS_IN_USE = 1
        const val ERROR_CAMERA_IN_USE = 2
        const val ERROR_OTHER_RECOVERABLE_ERROR = 3
        const val ERROR_STREAM_CONFIG = 4
        const val ERROR_CAMERA_DISABLED = 5
        const val ERROR_CAMERA_FATAL_ERROR = 6
        const val ERROR_DO_NOT_DISTURB_MODE_ENABLED = 7

        @JvmStatic
        fun create(type: Type): CameraState = create(type, null)

        @JvmStatic
        fun create(
            type: Type,
            error: StateError?,
        ): CameraState =
            object : CameraState() {
                override val type = type
                override val error = error
            }
    }
}
