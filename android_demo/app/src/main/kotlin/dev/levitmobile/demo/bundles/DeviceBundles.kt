package dev.levitmobile.demo.bundles

import android.content.Context
import android.os.StrictMode
import dev.levitmobile.AssetBundles
import dev.levitmobile.BrokenBundleException
import dev.levitmobile.LevitClassifier
import dev.levitmobile.contract.Contract
import dev.levitmobile.contract.ContractJson
import dev.levitmobile.contract.FormatException
import dev.levitmobile.contract.Runtime
import dev.levitmobile.demo.classify.Choice
import dev.levitmobile.parity.CheckResult
import dev.levitmobile.runner.Runners
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.store.Bundle
import dev.levitmobile.store.IndexedBundle
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.IOException

/** The bundles in the app's assets, by the library. */
class DeviceBundles(
    private val context: Context,
    private val worker: CoroutineDispatcher = Dispatchers.IO,
) : BundleCatalog {
    private val assets = AssetBundles(context)

    override suspend fun list(): List<BundleEntry> = withContext(worker) { entries() }

    override suspend fun open(name: String): Bundle = withContext(worker) { opened(name) }

    override suspend fun check(choice: Choice): CheckResult =
        try {
            val name = requireNotNull(choice.bundle) { "the choice names no bundle" }
            LevitClassifier.open(context, name, choice.accelerator, choice.threads).use { it.check }
        } catch (error: BrokenBundleException) {
            error.check
        }

    private fun entries(): List<BundleEntry> {
        StrictMode.noteSlowCall("the list of bundles")
        return assets.indexBlocking().bundles.map(::entry)
    }

    private fun opened(name: String): Bundle {
        StrictMode.noteSlowCall("the files of a bundle")
        return Bundle.open(assets.installBlocking(name))
    }

    /** The contract is read from the assets, so that a list copies nothing. */
    private fun entry(bundle: IndexedBundle): BundleEntry {
        val bytes = bundle.files.sumOf { it.bytes }
        return try {
            val text = context.assets.open("bundles/${bundle.name}/contract.json").use { String(it.readBytes()) }
            val contract = ContractJson.read(text)
            BundleEntry(bundle.name, bytes, contract, refusal(contract))
        } catch (error: FormatException) {
            BundleEntry(bundle.name, bytes, null, FailureReason(Code.DAMAGED_BUNDLE, error.message.orEmpty()))
        } catch (error: IOException) {
            BundleEntry(bundle.name, bytes, null, FailureReason(Code.DAMAGED_BUNDLE, error.message.orEmpty()))
        }
    }

    private fun refusal(contract: Contract): FailureReason? {
        val file = contract.artifact.file
        val runtime = Runtime.of(contract) ?: return FailureReason(Code.UNSUPPORTED_BUNDLE, file)
        return runtime.refuses(contract, Runners.versions.getValue(runtime))?.let { FailureReason(Code.UNSUPPORTED_BUNDLE, it) }
    }
}
