package dev.levitmobile.demo.support

import android.app.Application
import android.content.Context
import android.net.Uri
import androidx.camera.core.ImageProxy
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.Classification
import dev.levitmobile.demo.DemoGraph
import dev.levitmobile.demo.GraphOwner
import dev.levitmobile.demo.benchmark.BenchmarkController
import dev.levitmobile.demo.benchmark.BenchmarkMoment
import dev.levitmobile.demo.benchmark.BenchmarkRows
import dev.levitmobile.demo.benchmark.DeviceRecords
import dev.levitmobile.demo.bundles.BundleCatalog
import dev.levitmobile.demo.bundles.BundleEntry
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.classify.Classifier
import dev.levitmobile.demo.classify.ClassifierSource
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.demo.photo.DevicePictures
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.TimingPlan
import kotlinx.coroutines.flow.MutableStateFlow

/** The app with a graph that a test arranges. */
class TestApplication :
    Application(),
    GraphOwner {
    override val graph: TestGraph by lazy { TestGraph(this) }
}

/** The graph of the app under test. */
val testGraph: TestGraph get() = ApplicationProvider.getApplicationContext<TestApplication>().graph

/**
 * A device whose bundles, classifiers, camera and benchmark do what the test says. The pictures and the records are the
 * real ones.
 */
class TestGraph(
    val context: Context,
) : DemoGraph {
    override var bundles = TestBundles()
        private set
    override var classifiers = TestClassifiers()
        private set
    override var selection = Selection()
        private set
    override var benchmark = TestBenchmark()
        private set
    override var camera = TestCameraSource()
        private set
    override val pictures = DevicePictures(context.contentResolver)
    override val records = DeviceRecords(context)

    /** As in a new process. */
    fun forgetChoice() {
        selection = Selection()
    }

    /** As at the beginning of a test. */
    fun reset() {
        bundles = TestBundles()
        classifiers = TestClassifiers()
        selection = Selection()
        benchmark = TestBenchmark()
        camera = TestCameraSource()
        revokeCamera()
    }
}

/** Bundles as the test lists them. */
class TestBundles : BundleCatalog {
    var listing: suspend () -> List<BundleEntry> = { Samples.entries }
    var opening: suspend (String) -> Bundle = { SampleBundle.open(it) }
    var checking: suspend (Choice) -> CheckResult = { Samples.proven }
    val checked = mutableListOf<Choice>()

    override suspend fun list(): List<BundleEntry> = listing()

    override suspend fun open(name: String): Bundle = opening(name)

    override suspend fun check(choice: Choice): CheckResult {
        checked += choice
        return checking(choice)
    }
}

/** Classifiers that answer as the test says. */
class TestClassifiers : ClassifierSource {
    var opening: suspend (Choice) -> Unit = {}
    var answer: suspend () -> Classification = { Samples.classification }
    val opened = mutableListOf<Choice>()
    val closed = mutableListOf<Choice>()
    val pictures = mutableListOf<Uri>()

    override suspend fun open(choice: Choice): Classifier {
        opened += choice
        opening(choice)
        return Answering(choice.copy(bundle = choice.bundle ?: SampleBundle.NAME))
    }

    private inner class Answering(
        override val choice: Choice,
    ) : Classifier {
        override suspend fun classify(image: ImageProxy): Classification = answer()

        override suspend fun classify(picture: Uri): Classification {
            pictures += picture
            return answer()
        }

        override fun close() {
            closed += choice
        }
    }
}

/** A benchmark that is where the test puts it. */
class TestBenchmark : BenchmarkController {
    override val progress = MutableStateFlow<ScreenState<BenchmarkRows>>(ScreenState.Ready)
    override val moment = MutableStateFlow(BenchmarkMoment())
    val started = mutableListOf<Pair<TimingPlan, String?>>()

    override fun start(
        plan: TimingPlan,
        record: String?,
    ) {
        started += plan to record
        progress.value = ScreenState.Running(0, (plan.rounds + plan.warmupRounds) * plan.steps.size)
    }

    override fun cancel() = clear()

    override fun clear() {
        progress.value = ScreenState.Ready
    }
}
