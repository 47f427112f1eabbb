package dev.levitmobile.screen

/**
 * What a screen shows. Views draw it and decide nothing.
 *
 * @param T What a finished run shows, such as the top classes of an image.
 */
public sealed interface ScreenState<out T> {
    /** A bundle is copied, loaded or checked. */
    public data object Loading : ScreenState<Nothing>

    /** Everything is in place; nothing was run yet. */
    public data object Ready : ScreenState<Nothing>

    /**
     * A run goes on.
     *
     * @property done Steps done.
     * @property total All steps; 0 when unknown.
     */
    public data class Running(
        val done: Int = 0,
        val total: Int = 0,
    ) : ScreenState<Nothing>

    /** A run has finished. */
    public data class Result<out T>(
        val value: T,
    ) : ScreenState<T>

    /** Something failed; the screen shows why and what to do. */
    public data class Failed(
        val reason: FailureReason,
    ) : ScreenState<Nothing>
}

/** What happens to a screen. */
public sealed interface ScreenEvent<out T> {
    /** Loading has finished. */
    public data object Loaded : ScreenEvent<Nothing>

    /** The user or the camera started a run. */
    public data object Started : ScreenEvent<Nothing>

    /** A run got further. */
    public data class Progressed(
        val done: Int,
        val total: Int,
    ) : ScreenEvent<Nothing>

    /** A run has finished. */
    public data class Succeeded<out T>(
        val value: T,
    ) : ScreenEvent<T>

    /** Loading or a run failed. */
    public data class Broke(
        val reason: FailureReason,
    ) : ScreenEvent<Nothing>

    /** The user cancelled a run. */
    public data object Cancelled : ScreenEvent<Nothing>

    /** The user wants to load again, or chose another bundle. */
    public data object Reloaded : ScreenEvent<Nothing>
}

/**
 * The state after an event. An event that does not belong to a state leaves it as it is: a result that arrives after a
 * cancellation changes nothing.
 */
public fun <T> ScreenState<T>.after(event: ScreenEvent<T>): ScreenState<T> =
    when (event) {
        is ScreenEvent.Reloaded -> ScreenState.Loading
        is ScreenEvent.Broke -> ScreenState.Failed(event.reason)
        is ScreenEvent.Loaded -> if (this is ScreenState.Loading) ScreenState.Ready else this
        is ScreenEvent.Started -> if (this is ScreenState.Ready || this is ScreenState.Result) ScreenState.Running() else this
        is ScreenEvent.Progressed -> if (this is ScreenState.Running) ScreenState.Running(event.done, event.total) else this
        is ScreenEvent.Succeeded -> if (this is ScreenState.Running) ScreenState.Result(event.value) else this
        is ScreenEvent.Cancelled -> if (this is ScreenState.Running) ScreenState.Ready else this
    }

/**
 * Why a screen shows nothing; the app has a sentence for each [code] in its resources.
 *
 * @property code Stable name, for resources and saved state.
 * @property detail What the sentence quotes, such as a bundle's name; empty if nothing.
 */
public data class FailureReason(
    val code: Code,
    val detail: String = "",
) {
    /** The kinds of failure. */
    public enum class Code {
        /** No bundle was deployed. */
        NO_BUNDLE,

        /** A file of the bundle is missing or has another digest. */
        DAMAGED_BUNDLE,

        /** The app's runtime cannot load the artifact: too old a runtime, or another target. */
        UNSUPPORTED_BUNDLE,

        /** The golden images do not give the trained model's logits. */
        BROKEN_BUNDLE,

        /** The storage is full. */
        DISK_FULL,

        /** The phone runs 32-bit apps only. */
        UNSUPPORTED_DEVICE,

        /** The device has no such accelerator, or no runtime for it. */
        NO_ACCELERATOR,

        /** The process died during the run. */
        PROCESS_DIED,

        /** The camera permission was denied. */
        CAMERA_DENIED,

        /** The camera permission was denied and will not be asked for again. */
        CAMERA_DENIED_FOR_GOOD,

        /** The device has no camera. */
        NO_CAMERA,

        /** Another app uses the camera. */
        CAMERA_IN_USE,

        /** The image cannot be decoded. */
        UNREADABLE_IMAGE,

        /** The device stayed too hot. */
        TOO_HOT,

        /** Anything else. */
        UNEXPECTED,
    }
}
