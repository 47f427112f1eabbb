package dev.levitmobile.demo.classify

import android.content.Context
import android.net.Uri
import android.os.Build
import androidx.camera.core.ImageProxy
import dev.levitmobile.Classification
import dev.levitmobile.LevitClassifier
import dev.levitmobile.demo.bundles.BundleCatalog

/** A phone that runs 32-bit apps only, for which the runtimes have no libraries. */
class UnsupportedDeviceException : Exception("the phone runs 32-bit apps only")

/** Opens bundles by the library. */
class DeviceClassifiers(
    private val context: Context,
    private val catalog: BundleCatalog,
) : ClassifierSource {
    override suspend fun open(choice: Choice): Classifier {
        if (Build.SUPPORTED_64_BIT_ABIS.isEmpty()) throw UnsupportedDeviceException()
        val name = choice.bundle ?: firstUsable()
        val opened = LevitClassifier.open(context, name, choice.accelerator, choice.threads)
        return DeviceClassifier(context, opened, choice.copy(bundle = name))
    }

    private suspend fun firstUsable(): String {
        val entries = catalog.list()
        return (entries.firstOrNull { it.failure == null } ?: entries.firstOrNull() ?: throw NoBundleException()).name
    }
}

private class DeviceClassifier(
    private val context: Context,
    private val opened: LevitClassifier,
    override val choice: Choice,
) : Classifier {
    override suspend fun classify(image: ImageProxy): Classification = opened.classify(image)

    override suspend fun classify(picture: Uri): Classification = opened.classify(context, picture)

    override fun close() = opened.close()
}
