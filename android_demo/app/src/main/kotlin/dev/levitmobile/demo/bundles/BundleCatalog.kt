package dev.levitmobile.demo.bundles

import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.Runtime
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.store.Bundle
import dev.levitmobile.timing.Accelerator

/**
 * One bundle of the app.
 *
 * @property name Name of its folder.
 * @property bytes Size of all its files in bytes.
 * @property contract Its contract; null where it cannot be read.
 * @property failure Why the app cannot run it; null if it can.
 */
data class BundleEntry(
    val name: String,
    val bytes: Long,
    val contract: Contract?,
    val failure: FailureReason? = null,
) {
    /** Where the bundle may run, whether or not this device has it. */
    val accelerators: List<Accelerator>
        get() = if (contract?.let(Runtime::of) == Runtime.LITERT) Accelerator.entries else listOf(Accelerator.CPU)
}

/** The bundles that were deployed into the app. All functions may be called from the main thread. */
interface BundleCatalog {
    /** All bundles in the order of the index; empty if none was deployed. */
    suspend fun list(): List<BundleEntry>

    /**
     * Install a bundle where needed and check the digests of its files.
     *
     * @throws Exception One that has a [FailureReason].
     */
    suspend fun open(name: String): Bundle

    /**
     * Run the golden images of a bundle.
     *
     * @param choice The bundle, which is named, and where it runs.
     */
    suspend fun check(choice: Choice): CheckResult
}
