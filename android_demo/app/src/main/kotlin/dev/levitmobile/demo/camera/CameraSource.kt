package dev.levitmobile.demo.camera

import androidx.camera.core.ImageProxy
import androidx.camera.core.SurfaceRequest
import androidx.lifecycle.LifecycleOwner
import dev.levitmobile.screen.FailureReason

/** What a camera reports. */
interface CameraListener {
    /** The viewfinder's surface; called on the main thread. */
    fun surface(request: SurfaceRequest?)

    /** A frame, which the listener closes; called on a thread of the camera. */
    fun frame(image: ImageProxy)

    /** Why no frames come, or null when they come again; called on the main thread. */
    fun trouble(reason: FailureReason?)
}

/** The device's camera. */
fun interface CameraSource {
    /** Stream frames while [owner] is started, until the caller is cancelled. Call it on the main thread. */
    suspend fun stream(
        owner: LifecycleOwner,
        listener: CameraListener,
    )
}
