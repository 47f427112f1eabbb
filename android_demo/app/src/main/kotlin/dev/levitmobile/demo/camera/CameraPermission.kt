package dev.levitmobile.demo.camera

import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code

/** Whether the app may use the camera. */
enum class CameraPermission(
    /** Why the screen shows no camera; null where that is not a failure. */
    val failure: FailureReason?,
) {
    /** Nobody was asked yet: the screen explains why the app asks. */
    ASK(null),
    GRANTED(null),

    /** Denied, but the app may ask again. */
    DENIED(FailureReason(Code.CAMERA_DENIED)),

    /** Denied, and only the system's settings can change it. */
    DENIED_FOR_GOOD(FailureReason(Code.CAMERA_DENIED_FOR_GOOD)),
    ;

    /** The permission after a look at the system. */
    fun seen(granted: Boolean): CameraPermission =
        when {
            granted -> GRANTED
            this == GRANTED -> ASK
            else -> this
        }

    companion object {
        /** The permission after the user's answer; Android asks no more where it wants no reason shown. */
        fun answered(
            granted: Boolean,
            mayAskAgain: Boolean,
        ): CameraPermission =
            when {
                granted -> GRANTED
                mayAskAgain -> DENIED
                else -> DENIED_FOR_GOOD
            }
    }
}
