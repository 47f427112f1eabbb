package dev.levitmobile.demo

import android.net.Uri
import androidx.annotation.DrawableRes
import androidx.annotation.StringRes
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import dev.levitmobile.contract.FormatException
import dev.levitmobile.demo.benchmark.BenchmarkController
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.timing.Accelerator
import dev.levitmobile.timing.TimingPlan
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.drop
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.io.File
import java.io.IOException

/** The screens, in the order of the bar; the test tag of a bar's item is `tab-` and [tag]. */
enum class Tab(
    val tag: String,
    @param:StringRes val title: Int,
    @param:DrawableRes val icon: Int,
) {
    CAMERA("camera", R.string.tab_camera, R.drawable.ic_camera),
    PHOTO("photo", R.string.tab_photo, R.drawable.ic_photo),
    BENCHMARK("benchmark", R.string.tab_benchmark, R.drawable.ic_benchmark),
    BUNDLES("bundles", R.string.tab_bundles, R.drawable.ic_bundles),
}

/** The open screen, what other apps handed over, and the choice of the bundle through the death of the process. */
class DemoViewModel(
    private val saved: SavedStateHandle,
    private val selection: Selection,
    private val benchmark: BenchmarkController,
) : ViewModel() {
    private val sharedPictures = MutableStateFlow<Uri?>(null)
    private val refused = MutableStateFlow<String?>(null)

    /** The open screen. */
    val tab: StateFlow<Tab> = saved.getStateFlow(TAB, Tab.CAMERA)

    /** A picture that another app has shared and that no screen has taken yet. */
    val shared: StateFlow<Uri?> = sharedPictures.asStateFlow()

    /** Why a plan that another app handed over is refused; null if none was. */
    val refusedPlan: StateFlow<String?> = refused.asStateFlow()

    init {
        restored()?.let(selection::choose)
        viewModelScope.launch { selection.choice.drop(1).collect(::save) }
    }

    /** Open a screen. */
    fun open(tab: Tab) {
        saved[TAB] = tab
    }

    /** Show a picture that another app has shared. */
    fun share(picture: Uri) {
        sharedPictures.value = picture
        open(Tab.PHOTO)
    }

    /** A screen shows the shared picture now. */
    fun taken() {
        sharedPictures.value = null
    }

    /** Start a benchmark that another app, such as `adb`, asked for. */
    fun benchmark(
        plan: String,
        record: String?,
    ) {
        open(Tab.BENCHMARK)
        try {
            benchmark.start(TimingPlan.read(plan), record)
            refused.value = null
        } catch (error: FormatException) {
            refused.value = error.message.orEmpty()
        }
    }

    /** The same with a plan in a file of the app's folder on the shared storage. */
    fun benchmark(
        plan: File,
        record: String?,
    ) {
        viewModelScope.launch {
            try {
                benchmark(withContext(Dispatchers.IO) { plan.readText() }, record)
            } catch (error: IOException) {
                refused.value = error.message.orEmpty()
            }
        }
    }

    /** The user has read why the plan is refused. */
    fun read() {
        refused.value = null
    }

    private fun restored(): Choice? {
        val bundle: String = saved[BUNDLE] ?: return null
        return Choice(bundle, saved[ACCELERATOR] ?: Accelerator.CPU, saved[THREADS] ?: 1)
    }

    private fun save(choice: Choice) {
        saved[BUNDLE] = choice.bundle
        saved[ACCELERATOR] = choice.accelerator
        saved[THREADS] = choice.threads
    }

    private companion object {
        const val TAB = "tab"
        const val BUNDLE = "bundle"
        const val ACCELERATOR = "accelerator"
        const val THREADS = "threads"
    }
}
