package dev.levitmobile.demo.bundles

import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.demo.classify.NoBundleException
import dev.levitmobile.demo.classify.Selection
import dev.levitmobile.demo.classify.failureReason
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.screen.ScreenEvent
import dev.levitmobile.screen.ScreenState
import dev.levitmobile.screen.after
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.Accelerator
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/** The list of bundles, the chosen one with its contract, and its self-check. */
class BundlesViewModel(
    private val saved: SavedStateHandle,
    private val catalog: BundleCatalog,
    private val selection: Selection,
) : ViewModel() {
    private val lists = MutableStateFlow<ScreenState<List<BundleEntry>>>(ScreenState.Loading)
    private val details = MutableStateFlow<ScreenState<Bundle>>(ScreenState.Loading)
    private val checks = MutableStateFlow<ScreenState<CheckResult>>(ScreenState.Ready)
    private val attempts = MutableStateFlow(0)

    /** All bundles. */
    val state: StateFlow<ScreenState<List<BundleEntry>>> = lists.asStateFlow()

    /** Name of the bundle whose page is open; null for the list alone. */
    val opened: StateFlow<String?> = saved.getStateFlow(OPENED, null)

    /** Where the self-check runs. */
    val accelerator: StateFlow<Accelerator> = saved.getStateFlow(ACCELERATOR, Accelerator.CPU)

    /** The opened bundle, with its digests checked. */
    val detail: StateFlow<ScreenState<Bundle>> = details.asStateFlow()

    /** The self-check of the opened bundle: [ScreenState.Ready] before it runs. */
    val check: StateFlow<ScreenState<CheckResult>> = checks.asStateFlow()

    /** What the camera and the photo screen use. */
    val choice: StateFlow<Choice> = selection.choice

    init {
        viewModelScope.launch { attempts.collectLatest { list() } }
        viewModelScope.launch { combine(opened, attempts) { name, _ -> name }.collectLatest(::load) }
    }

    /** Open a bundle's page. */
    fun open(name: String) {
        if (name != opened.value) saved[ACCELERATOR] = Accelerator.CPU
        saved[OPENED] = name
    }

    /** Go back to the list. */
    fun closePage() {
        saved[OPENED] = null
    }

    /** Choose where the self-check runs. */
    fun runOn(accelerator: Accelerator) {
        saved[ACCELERATOR] = accelerator
        checks.update { if (it is ScreenState.Running) it else ScreenState.Ready }
    }

    /** Use the opened bundle for the camera and for photos. */
    fun use() {
        opened.value?.let { selection.choose(Choice(it, accelerator.value)) }
    }

    /** Read the list and the opened bundle again. */
    fun retry() = attempts.update { it + 1 }

    /** Run the golden images of the opened bundle. */
    fun check() {
        val name = opened.value ?: return
        if (checks.value is ScreenState.Running) return
        checks.value = ScreenState.Running()
        viewModelScope.launch {
            val ended = outcome { catalog.check(Choice(name, accelerator.value)) }
            if (name == opened.value) checks.update { it.after(ended) }
        }
    }

    private suspend fun list() {
        lists.update { it.after(ScreenEvent.Reloaded) }
        val ended = outcome { catalog.list().ifEmpty { throw NoBundleException() } }
        lists.update { it.after(ScreenEvent.Loaded).after(ScreenEvent.Started).after(ended) }
    }

    private suspend fun load(name: String?) {
        details.update { it.after(ScreenEvent.Reloaded) }
        checks.value = ScreenState.Ready
        if (name == null) return
        val ended = outcome { catalog.open(name) }
        details.update { it.after(ScreenEvent.Loaded).after(ScreenEvent.Started).after(ended) }
    }

    private suspend fun <T> outcome(work: suspend () -> T): ScreenEvent<T> =
        try {
            ScreenEvent.Succeeded(work())
        } catch (cancelled: CancellationException) {
            throw cancelled
        } catch (error: Exception) {
            ScreenEvent.Broke(failureReason(error))
        }

    private companion object {
        const val OPENED = "opened"
        const val ACCELERATOR = "accelerator"
    }
}
