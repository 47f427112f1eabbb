package androidx.camera.lifecycle

import android.content.Context
import androidx.camera.core.Camera
import androidx.camera.core.CameraProvider
import androidx.camera.core.CameraSelector
import androidx.camera.core.UseCase
import androidx.lifecycle.LifecycleOwner
import com.google.common.util.concurrent.ListenableFuture
import dev.levitmobile.twin.TestCamera

class ProcessCameraProvider private constructor() : CameraProvider {
    override fun hasCamera(cameraSelector: CameraSelector): Boolean = TestCamera.has(cameraSelector)

    fun bindToLifecycle(
        lifecycleOwner: LifecycleOwner,
        cameraSelector: CameraSelector,
        vararg useCases: UseCase?,
    ): Camera = TestCamera.bind(lifecycleOwner, cameraSelector, useCases.filterNotNull())

    fun isBound(useCase: UseCase): Boolean = TestCamera.isBound(useCase)

    fun unbind(vararg useCases: UseCase?): Unit = TestCamera.unbind(useCases.filterNotNull())

    fun unbindAll(): Unit = TestCamera.unbindAll()

    companion object {
        private val only = ProcessCameraProvider()

        @JvmStatic
        fun getInstance(context: Context): ListenableFuture<ProcessCameraProvider> = TestCamera.started(context, only)
    }
}
