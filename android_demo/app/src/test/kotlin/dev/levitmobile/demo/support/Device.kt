package dev.levitmobile.demo.support

import android.Manifest
import android.app.Activity
import android.app.Application
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager
import android.net.Uri
import androidx.camera.core.ImageProxy
import androidx.lifecycle.LifecycleOwner
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.BrokenBundleException
import dev.levitmobile.UnreadablePictureException
import dev.levitmobile.demo.camera.CameraListener
import dev.levitmobile.demo.camera.CameraSource
import dev.levitmobile.demo.classify.UnsupportedDeviceException
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.DiskFullException
import dev.levitmobile.store.UnsupportedBundleException
import kotlinx.coroutines.awaitCancellation
import org.robolectric.Shadows.shadowOf
import java.io.File
import java.lang.reflect.Proxy

/** The system's question for the permission to use the camera. */
object Permissions {
    /** Press the button that asks, and answer the system's question. */
    fun answer(
        granted: Boolean,
        mayAskAgain: Boolean,
    ) {
        Fingers.touchTagged("camera-allow")
        answerAsked(granted, mayAskAgain)
    }

    /** Answer the question that the app has asked. */
    fun answerAsked(
        granted: Boolean,
        mayAskAgain: Boolean,
    ) {
        val context = ApplicationProvider.getApplicationContext<Application>()
        if (granted) grantCamera()
        shadowOf(context.packageManager).setShouldShowRequestPermissionRationale(Manifest.permission.CAMERA, mayAskAgain)
        val asked = checkNotNull(shadowOf(Screen.activity()).lastRequestedPermission) { "the app has not asked" }
        val result = if (granted) PackageManager.PERMISSION_GRANTED else PackageManager.PERMISSION_DENIED
        // The system notes the answer before it hands it over; the activity asks nothing while a question is open.
        Activity::class.java
            .getDeclaredField("mHasCurrentPermissionsRequest")
            .apply { isAccessible = true }
            .setBoolean(Screen.activity(), false)
        Screen.activity().onRequestPermissionsResult(asked.requestCode, asked.requestedPermissions, intArrayOf(result))
        Frames.pass()
    }
}

/** The system's photo picker. */
object Picker {
    /** Open the picker and pick a picture, or leave it with null. */
    fun pick(picture: Uri?) {
        Fingers.touchTagged("photo-pick")
        answer(picture)
    }

    /** Answer the picker that is open. */
    fun answer(picture: Uri?) {
        val activity = Screen.activity()
        val asked = checkNotNull(shadowOf(activity).nextStartedActivityForResult) { "the app has opened no picker" }
        val result = if (picture == null) Activity.RESULT_CANCELED else Activity.RESULT_OK
        shadowOf(activity).receiveResult(asked.intent, result, picture?.let { Intent().setData(it) })
        Frames.pass()
    }
}

/** A camera that sends what the test says. */
class TestCameraSource : CameraSource {
    private var listener: CameraListener? = null

    /** The camera that streams in its place; null for none. */
    var inner: CameraSource? = null

    /** Why there are no frames; null where there are. */
    var failure: FailureReason? = null

    /** Whether the app wants frames now. */
    val isStreaming: Boolean get() = listener != null

    override suspend fun stream(
        owner: LifecycleOwner,
        listener: CameraListener,
    ) {
        inner?.let { return it.stream(owner, listener) }
        failure?.let { return listener.trouble(it) }
        this.listener = listener
        try {
            awaitCancellation()
        } finally {
            this.listener = null
        }
    }

    /** Send a frame as soon as the app wants one. */
    fun send() {
        Frames.await("a camera that streams") { listener }.frame(frame())
        Frames.pass()
    }

    /** Another app takes the camera while this one streams. */
    fun takeAway() {
        Frames.await("a camera that streams") { listener }.trouble(FailureReason(FailureReason.Code.CAMERA_IN_USE))
        Frames.pass()
    }

    /** CameraX's own frames have more members than its twin's. */
    private fun frame(): ImageProxy =
        Proxy.newProxyInstance(javaClass.classLoader, arrayOf(ImageProxy::class.java)) { _, _, _ -> null } as ImageProxy
}

/** Files of timing records. */
object Records {
    /** A record where the app keeps its records. */
    fun sample(): File {
        val folder = checkNotNull(ApplicationProvider.getApplicationContext<Context>().getExternalFilesDir("timings"))
        return File(folder, "sample.json").apply { writeText("{}") }
    }
}

/** What may go wrong, by the name of the state. */
object Failing {
    val damaged = DamagedBundleException("${SampleBundle.NAME}: model.tflite has digest ${"5f".repeat(32)}, expected ${"a0".repeat(32)}")
    val picture = UnreadablePictureException("the file is not a picture that this device can decode")
    val all =
        mapOf(
            "damaged" to damaged,
            "unsupported" to UnsupportedBundleException("the artifact was made by ExecuTorch 1.6.0, the app has 1.4.1"),
            "broken" to BrokenBundleException(SampleBundle.NAME, Samples.broken),
            "disk-full" to DiskFullException(31_457_280),
            "no-gpu" to NotAvailableException("LiteRT cannot run the artifact on this device's GPU: status ErrorCompilation"),
            "unsupported-device" to UnsupportedDeviceException(),
            "unexpected" to IllegalStateException("the runtime is in an unknown state"),
        )
}
