package dev.levitmobile.demo.camera

import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.SavedStateHandle
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.classify.NoBundleException
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.demo.support.Samples
import dev.levitmobile.demo.support.TestClassifiers
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.twin.TestImage
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.test.UnconfinedTestDispatcher
import kotlinx.coroutines.test.resetMain
import kotlinx.coroutines.test.setMain
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test

/** Runs without Android: frames, permissions and failures in any order. */
@OptIn(ExperimentalCoroutinesApi::class)
class CameraViewModelTest {
    private val classifiers = TestClassifiers()
    private val selection = Selection()
    private val saved = SavedStateHandle()
    private var nowNs = 0L

    @Before
    fun unconfined() = Dispatchers.setMain(UnconfinedTestDispatcher())

    @After
    fun confined() = Dispatchers.resetMain()

    @Test
    fun `a frame becomes a result with its rate, and is closed`() {
        val model = model()
        assertEquals(ScreenState.Ready, model.state.value)
        val frames = List(3) { frame() }
        for (frame in frames) {
            model.frame(frame)
            nowNs += 50_000_000
        }
        assertEquals(20.0, result(model).framesPerSecond!!, 1e-9)
        assertTrue(frames.all { it.isClosed })
    }

    @Test
    fun `frames that come while one is classified are closed at once`() {
        val answer = CompletableDeferred<Unit>()
        classifiers.answer = { answer.await().let { Samples.classification } }
        val model = model()
        val (first, second) = List(2) { frame() }
        model.frame(first)
        model.frame(second)
        assertFalse(first.isClosed)
        assertTrue(second.isClosed)
        answer.complete(Unit)
        assertTrue(first.isClosed)
        assertEquals(Samples.classification, result(model).classification)
    }

    @Test
    fun `the frame that the camera hands over when one is closed is classified`() {
        val model = model()
        val next = TestImage.rgba(ByteArray(4), 1, 1)
        val first = TestImage.rgba(ByteArray(4), 1, 1) { model.frame(next) }
        var classified = 0
        classifiers.answer = { Samples.classification.also { classified++ } }
        model.frame(first)
        assertEquals(2, classified)
        assertTrue(next.isClosed)
    }

    @Test
    fun `a frame that comes before the bundle is open is closed`() {
        val opened = CompletableDeferred<Unit>()
        classifiers.opening = { opened.await() }
        val model = model()
        val frame = frame()
        model.frame(frame)
        assertTrue(frame.isClosed)
        assertEquals(ScreenState.Loading, model.state.value)
    }

    @Test
    fun `a frame that fails is closed, and the failure is shown until the user tries again`() {
        classifiers.answer = { error("out of memory") }
        val model = model()
        val frame = frame()
        model.frame(frame)
        assertTrue(frame.isClosed)
        assertEquals(ScreenState.Failed(FailureReason(Code.UNEXPECTED, "out of memory")), model.state.value)
        model.retry()
        assertEquals(ScreenState.Ready, model.state.value)
    }

    @Test
    fun `another choice closes the classifier before it opens the next one`() {
        val model = model()
        selection.choose(Choice("other", Accelerator.GPU))
        assertEquals(1, classifiers.closed.size)
        model.frame(frame())
        assertEquals(Choice("other", Accelerator.GPU), result(model).choice)
    }

    @Test
    fun `a result of the bundle before is dropped`() {
        val answer = CompletableDeferred<Unit>()
        classifiers.answer = { answer.await().let { Samples.classification } }
        val model = model()
        model.frame(frame())
        selection.choose(Choice("other"))
        answer.complete(Unit)
        assertEquals(ScreenState.Ready, model.state.value)
    }

    @Test
    fun `without a bundle the screen says so`() {
        classifiers.opening = { throw NoBundleException() }
        assertEquals(ScreenState.Failed(FailureReason(Code.NO_BUNDLE)), model().state.value)
    }

    @Test
    fun `a camera that another app gives back goes on by itself`() {
        val model = model()
        model.trouble(FailureReason(Code.CAMERA_IN_USE))
        assertEquals(ScreenState.Failed(FailureReason(Code.CAMERA_IN_USE)), model.state.value)
        model.trouble(null)
        assertEquals(ScreenState.Ready, model.state.value)
    }

    @Test
    fun `the answer to the question decides what is shown, and the settings can change it`() {
        val model = model()
        model.permissionSeen(granted = false)
        assertEquals(CameraPermission.ASK, model.permission.value)
        model.permissionAnswered(granted = false, mayAskAgain = true)
        assertEquals(ScreenState.Failed(FailureReason(Code.CAMERA_DENIED)), model.state.value)
        model.permissionAnswered(granted = false, mayAskAgain = false)
        assertEquals(ScreenState.Failed(FailureReason(Code.CAMERA_DENIED_FOR_GOOD)), model.state.value)
        model.permissionSeen(granted = true)
        assertEquals(ScreenState.Ready, model.state.value)
        model.permissionSeen(granted = false)
        assertEquals(CameraPermission.ASK, model.permission.value)
    }

    @Test
    fun `a denial survives the process`() {
        model().permissionAnswered(granted = false, mayAskAgain = false)
        assertEquals(CameraPermission.DENIED_FOR_GOOD, model().permission.value)
    }

    private fun model() = CameraViewModel(saved, classifiers, selection, NoCamera) { nowNs }

    private fun frame() = TestImage.rgba(ByteArray(4), 1, 1)

    private fun result(model: CameraViewModel): LiveResult = (model.state.value as ScreenState.Result).value

    private object NoCamera : CameraSource {
        override suspend fun stream(
            owner: LifecycleOwner,
            listener: CameraListener,
        ) = error("the test sends the frames itself")
    }
}
