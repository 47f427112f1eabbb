package dev.levitmobile.demo.benchmark

import android.net.Uri
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import dev.levitmobile.demo.bundles.BundleCatalog
import dev.levitmobile.demo.bundles.BundleEntry
import dev.levitmobile.demo.classify.NoBundleException
import dev.levitmobile.demo.classify.failureReason
import dev.levitmobile.screen.ScreenEvent
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.screen.after
import dev.levitmobile.timing.Accelerator
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.stateIn
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import java.io.IOException

/** How the export of a record ended. */
enum class Export { DONE, FAILED }

/** What is timed, and the benchmark that [controller] runs. */
class BenchmarkViewModel(
    private val saved: SavedStateHandle,
    private val catalog: BundleCatalog,
    private val controller: BenchmarkController,
    private val records: RecordSharing,
) : ViewModel() {
    private val lists = MutableStateFlow<ScreenState<List<BundleEntry>>>(ScreenState.Loading)
    private val attempts = MutableStateFlow(0)
    private val exports = MutableStateFlow<Export?>(null)
    private val bundles: StateFlow<ArrayList<String>?> = saved.getStateFlow(BUNDLES, null)
    private val accelerators: StateFlow<ArrayList<Accelerator>> = saved.getStateFlow(ACCELERATORS, arrayListOf(Accelerator.CPU))
    private val threads: StateFlow<ArrayList<Int>> = saved.getStateFlow(THREADS, arrayListOf(1))
    private val rounds: StateFlow<Int> = saved.getStateFlow(ROUNDS, BenchmarkChoices().rounds)

    /** The bundles to choose from. */
    val entries: StateFlow<ScreenState<List<BundleEntry>>> = lists.asStateFlow()

    /** What is chosen; all bundles that the app can run until the user chooses. */
    val choices: StateFlow<BenchmarkChoices> =
        combine(bundles, accelerators, threads, rounds, lists) { bundles, accelerators, threads, rounds, _ ->
            BenchmarkChoices(bundles?.toSet() ?: usable(), accelerators.toSet(), threads.toSet(), rounds)
        }.stateIn(viewModelScope, SharingStarted.Eagerly, BenchmarkChoices())

    /** The benchmark. */
    val state: StateFlow<ScreenState<BenchmarkRows>> = controller.progress

    /** What a running benchmark does now. */
    val moment: StateFlow<BenchmarkMoment> = controller.moment

    /** How the last export ended; null before one. */
    val exported: StateFlow<Export?> = exports.asStateFlow()

    init {
        viewModelScope.launch { attempts.collectLatest { list() } }
    }

    /** Choose a bundle, or do not. */
    fun toggleBundle(name: String) {
        saved[BUNDLES] = ArrayList(toggled(choices.value.bundles, name))
    }

    /** Choose an accelerator, or do not. */
    fun toggleAccelerator(accelerator: Accelerator) {
        saved[ACCELERATORS] = ArrayList(toggled(choices.value.accelerators, accelerator))
    }

    /** Choose a number of threads, or do not. */
    fun toggleThreads(count: Int) {
        saved[THREADS] = ArrayList(toggled(choices.value.threads, count))
    }

    /** Choose the number of rounds. */
    fun chooseRounds(count: Int) {
        saved[ROUNDS] = count
    }

    /** Start the benchmark of what is chosen. */
    fun start() {
        exports.value = null
        choices.value.plan(listed())?.let { controller.start(it) }
    }

    /** Number of steps that are chosen. */
    fun stepCount(choices: BenchmarkChoices): Int = choices.steps(listed()).size

    /** Stop the benchmark. */
    fun cancel() = controller.cancel()

    /** Go back to the choices. */
    fun clear() {
        exports.value = null
        controller.clear()
    }

    /** Read the list of bundles again. */
    fun retry() = attempts.update { it + 1 }

    /** Address of the finished record for another app; null without a record. */
    fun address(): Uri? = record()?.let(records::address)

    /** Copy the finished record to a document; null, where the user chose none, changes nothing. */
    fun export(document: Uri?) {
        val record = record() ?: return
        if (document == null) return
        viewModelScope.launch {
            exports.value =
                try {
                    records.copy(record, document)
                    Export.DONE
                } catch (_: IOException) {
                    Export.FAILED
                } catch (_: SecurityException) {
                    Export.FAILED
                }
        }
    }

    private fun record() = (state.value as? ScreenState.Result)?.value?.record

    private fun listed(): List<BundleEntry> = (lists.value as? ScreenState.Result)?.value.orEmpty()

    private fun usable(): Set<String> = listed().filter { it.failure == null }.map { it.name }.toSet()

    private fun <T> toggled(
        chosen: Set<T>,
        value: T,
    ): Set<T> = if (value in chosen) chosen - value else chosen + value

    private suspend fun list() {
        lists.update { it.after(ScreenEvent.Reloaded) }
        val ended =
            try {
                ScreenEvent.Succeeded(catalog.list().ifEmpty { throw NoBundleException() })
            } catch (cancelled: CancellationException) {
                throw cancelled
            } catch (error: Exception) {
                ScreenEvent.Broke(failureReason(error))
            }
        lists.update { it.after(ScreenEvent.Loaded).after(ScreenEvent.Started).after(ended) }
    }

    private companion object {
        const val BUNDLES = "bundles"
        const val ACCELERATORS = "accelerators"
        const val THREADS = "threads"
        const val ROUNDS = "rounds"
    }
}
