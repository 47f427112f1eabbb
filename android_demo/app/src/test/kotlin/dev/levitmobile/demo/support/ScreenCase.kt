package dev.levitmobile.demo.support

import android.Manifest
import android.app.Application
import androidx.test.core.app.ApplicationProvider
import dev.levitmobile.demo.Tab
import dev.levitmobile.demo.benchmark.BenchmarkMoment
import dev.levitmobile.demo.benchmark.BenchmarkPhase
import dev.levitmobile.demo.classify.NoBundleException
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.Thermal
import dev.levitmobile.timing.TimingStep
import kotlinx.coroutines.awaitCancellation
import org.robolectric.Shadows.shadowOf

/**
 * A screen in a state.
 *
 * @property name Name of the state, unique on its screen.
 * @property tag Test tag of what the state shows.
 * @property arrange Prepares the device before the app starts.
 * @property act What the user does after the app has started.
 */
class ScreenCase(
    val tab: Tab,
    val name: String,
    val tag: String,
    val arrange: TestGraph.() -> Unit = {},
    val act: TestGraph.() -> Unit = {},
) {
    /** Whether it stands for others that have the same parts. */
    val isTypical: Boolean get() = name in TYPICAL

    override fun toString(): String = "${tab.tag}-$name"

    private companion object {
        val TYPICAL = setOf("ask", "result", "damaged", "empty", "choices", "cooling", "list", "page-broken")
    }
}

/** Every screen in every state. */
val screenCases: List<ScreenCase> get() = cameraCases + photoCases + benchmarkCases + bundlesCases

/** Grant the permission to use the camera. */
fun grantCamera() = shadowOf(ApplicationProvider.getApplicationContext<Application>()).grantPermissions(Manifest.permission.CAMERA)

/** Take the permission back. */
fun revokeCamera() = shadowOf(ApplicationProvider.getApplicationContext<Application>()).denyPermissions(Manifest.permission.CAMERA)

private val cameraCases =
    listOf(
        ScreenCase(Tab.CAMERA, "ask", "state-ask"),
        ScreenCase(Tab.CAMERA, "denied", "state-failed", act = { Permissions.answer(granted = false, mayAskAgain = true) }),
        ScreenCase(Tab.CAMERA, "denied-for-good", "state-failed", act = { Permissions.answer(granted = false, mayAskAgain = false) }),
        camera("loading", "state-loading", { classifiers.opening = { awaitCancellation() } }),
        camera("waiting", "state-ready"),
        camera("result", "state-result", act = { camera.send() }),
        camera("no-camera", "state-failed", { camera.failure = FailureReason(Code.NO_CAMERA) }),
        camera("in-use", "state-failed", act = { camera.takeAway() }),
        camera("no-bundle", "state-failed", { classifiers.opening = { throw NoBundleException() } }),
    ) + Failing.all.map { (name, error) -> camera(name, "state-failed", { classifiers.opening = { throw error } }) }

private val photoCases =
    listOf(
        photo("empty", "state-empty"),
        photo("opening", "state-loading", { classifiers.opening = { awaitCancellation() } }),
        photo("running", "state-running", { classifiers.answer = { awaitCancellation() } }) { pickSample() },
        photo("result", "state-result") { pickSample() },
        photo("unreadable", "state-failed", { classifiers.answer = { throw Failing.picture } }) { Picker.pick(Pictures.unreadable()) },
        photo("no-bundle", "state-failed", { classifiers.opening = { throw NoBundleException() } }),
    )

private val benchmarkCases =
    listOf(
        benchmark("reading", "state-loading", { bundles.listing = { awaitCancellation() } }),
        benchmark("no-bundle", "state-failed", { bundles.listing = { emptyList() } }),
        benchmark("choices", "state-ready"),
        benchmark("starting", "state-running", { at(BenchmarkPhase.STARTING, done = 0, total = 0) }),
        benchmark("cooling", "cooling", { at(BenchmarkPhase.COOLING, done = 37, total = 275) }),
        benchmark("timing", "state-running", { at(BenchmarkPhase.TIMING, done = 137, total = 275) }),
        benchmark("result", "state-result", { benchmark.progress.value = ScreenState.Result(Samples.table(Records.sample())) }),
        benchmark("incomplete", "state-result", {
            benchmark.progress.value =
                ScreenState.Result(Samples.table(null, "the phone was unplugged"))
        }),
        benchmark("process-died", "state-failed", { failed(Code.PROCESS_DIED, "levit_128s-tflite-fp16-gpu") }),
        benchmark("too-hot", "state-failed", { failed(Code.TOO_HOT, "severe after 300 s") }),
    )

private val bundlesCases =
    listOf(
        bundles("reading", "state-loading", { bundles.listing = { awaitCancellation() } }),
        bundles("no-bundle", "state-failed", { bundles.listing = { emptyList() } }),
        bundles("list", "state-result"),
        page("opening", "state-loading", { bundles.opening = { awaitCancellation() } }),
        page("opened", "contract"),
        page("damaged", "state-failed", { bundles.opening = { throw Failing.damaged } }),
        page("checking", "state-check-running", { bundles.checking = { awaitCancellation() } }) { Fingers.touchTagged("check-run") },
        page("proven", "check-result") { Fingers.touchTagged("check-run") },
        page("broken", "check-result", { bundles.checking = { Samples.broken } }) { Fingers.touchTagged("check-run") },
        page("not-run", "check-result", { bundles.checking = { Samples.notRun } }) { Fingers.touchTagged("check-run") },
        page("check-failed", "check-failed", { bundles.checking = { throw Failing.damaged } }) { Fingers.touchTagged("check-run") },
    )

private fun camera(
    name: String,
    tag: String,
    arrange: TestGraph.() -> Unit = {},
    act: TestGraph.() -> Unit = {},
) = ScreenCase(Tab.CAMERA, name, tag, { grantCamera().also { arrange() } }, act)

private fun photo(
    name: String,
    tag: String,
    arrange: TestGraph.() -> Unit = {},
    act: TestGraph.() -> Unit = {},
) = ScreenCase(Tab.PHOTO, name, tag, arrange, act)

/** Pictures are decoded on another thread, and the words move when one is there. */
private fun pickSample() {
    Picker.pick(Pictures.sample())
    Screen.awaitTagged("picture")
}

private fun benchmark(
    name: String,
    tag: String,
    arrange: TestGraph.() -> Unit = {},
) = ScreenCase(Tab.BENCHMARK, name, tag, arrange)

private fun bundles(
    name: String,
    tag: String,
    arrange: TestGraph.() -> Unit = {},
) = ScreenCase(Tab.BUNDLES, name, tag, arrange)

private fun page(
    name: String,
    tag: String,
    arrange: TestGraph.() -> Unit = {},
    act: TestGraph.() -> Unit = {},
) = ScreenCase(Tab.BUNDLES, "page-$name", tag, arrange) {
    Fingers.touchTagged("bundle-${SampleBundle.NAME}")
    act()
}

private fun TestGraph.at(
    phase: BenchmarkPhase,
    done: Int,
    total: Int,
) {
    benchmark.progress.value = ScreenState.Running(done, total)
    val step = TimingStep(SampleBundle.OTHER, threads = 4).takeIf { phase != BenchmarkPhase.STARTING }
    val finished = if (phase == BenchmarkPhase.TIMING) Samples.finished else emptyList()
    benchmark.moment.value = BenchmarkMoment(phase, step, coolingMs = 42_000, thermal = Thermal.MODERATE, finished)
}

private fun TestGraph.failed(
    code: Code,
    detail: String,
) {
    benchmark.progress.value = ScreenState.Failed(FailureReason(code, detail))
}
