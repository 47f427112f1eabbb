package dev.levitmobile.demo.benchmark

import android.content.Context
import dev.levitmobile.AssetBundles
import dev.levitmobile.contract.FormatException
import dev.levitmobile.store.Bundle
import dev.levitmobile.store.BundleIndex
import dev.levitmobile.store.BundleStore
import dev.levitmobile.store.IndexedBundle
import java.io.File
import java.io.IOException

/**
 * The bundles that a plan can name: those that a computer has pushed, then those of the app.
 *
 * `levit-mobile device android` pushes bundles to `bundles/` in the app's folder on the shared storage, with an
 * `index.json` as the assets have one. They are copied to the app's own storage, where they are checked and loaded: the
 * shared storage is slower, and other programs can change it. The copies go away after the run.
 */
internal class PlanBundles(
    context: Context,
) {
    private val application = context.applicationContext
    private val assets = AssetBundles(application)
    private val copies = File(application.noBackupFilesDir, "pushed-bundles")

    /**
     * Open a bundle, with the digests of its files checked.
     *
     * @throws NoSuchElementException Nobody has a bundle of that name.
     * @throws FormatException The index is not one that this version reads.
     * @throws IOException A file cannot be read or written.
     */
    fun open(name: String): Bundle {
        val pushed = pushed()
        val bundle = pushed.firstOrNull { it.name == name } ?: return Bundle.open(assets.installBlocking(name))
        val root = checkNotNull(folder())
        return Bundle.open(BundleStore(copies).install(bundle) { path -> File(root, "$name/$path").inputStream() })
    }

    /** Remove the copies of pushed bundles. */
    fun removeCopies() {
        copies.deleteRecursively()
    }

    private fun folder(): File? = application.getExternalFilesDir(FOLDER)

    private fun pushed(): List<IndexedBundle> {
        val index = File(folder() ?: return emptyList(), "index.json")
        return if (index.isFile) BundleIndex.read(index.readText()).bundles else emptyList()
    }

    private companion object {
        const val FOLDER = "bundles"
    }
}
