package dev.levitmobile.demo

import android.content.Context
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.createSavedStateHandle
import androidx.lifecycle.viewmodel.initializer
import androidx.lifecycle.viewmodel.viewModelFactory
import dev.levitmobile.demo.benchmark.BenchmarkController
import dev.levitmobile.demo.benchmark.BenchmarkViewModel
import dev.levitmobile.demo.benchmark.DeviceRecords
import dev.levitmobile.demo.benchmark.RecordSharing
import dev.levitmobile.demo.benchmark.deviceBenchmark
import dev.levitmobile.demo.bundles.BundleCatalog
import dev.levitmobile.demo.bundles.BundlesViewModel
import dev.levitmobile.demo.bundles.DeviceBundles
import dev.levitmobile.demo.camera.CameraSource
import dev.levitmobile.demo.camera.CameraViewModel
import dev.levitmobile.demo.camera.DeviceCamera
import dev.levitmobile.demo.classify.ClassifierSource
import dev.levitmobile.demo.classify.DeviceClassifiers
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.demo.photo.DevicePictures
import dev.levitmobile.demo.photo.PhotoViewModel
import dev.levitmobile.demo.photo.PictureSource

/** What the screens need of the device. Tests give fakes. */
interface DemoGraph {
    val bundles: BundleCatalog
    val classifiers: ClassifierSource
    val selection: Selection
    val camera: CameraSource
    val pictures: PictureSource
    val benchmark: BenchmarkController
    val records: RecordSharing
}

/** An application that has a graph. */
interface GraphOwner {
    val graph: DemoGraph
}

/** The real device. */
class DeviceGraph(
    context: Context,
) : DemoGraph {
    override val bundles = DeviceBundles(context)
    override val classifiers = DeviceClassifiers(context, bundles)
    override val selection = Selection()
    override val camera = DeviceCamera(context)
    override val pictures = DevicePictures(context.contentResolver)
    override val benchmark: BenchmarkController = deviceBenchmark(context)
    override val records = DeviceRecords(context)
}

/** Makes the view models of all screens. */
internal fun DemoGraph.viewModels(): ViewModelProvider.Factory =
    viewModelFactory {
        initializer { DemoViewModel(createSavedStateHandle(), selection, benchmark) }
        initializer { CameraViewModel(createSavedStateHandle(), classifiers, selection, camera) }
        initializer { PhotoViewModel(createSavedStateHandle(), classifiers, selection, pictures) }
        initializer { BenchmarkViewModel(createSavedStateHandle(), bundles, benchmark, records) }
        initializer { BundlesViewModel(createSavedStateHandle(), bundles, selection) }
    }
