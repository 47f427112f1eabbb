package dev.levitmobile

import android.content.Context
import dev.levitmobile.contract.FormatException
import dev.levitmobile.store.BundleIndex
import dev.levitmobile.store.BundleStore
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.DiskFullException
import dev.levitmobile.store.IndexedBundle
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import java.io.File
import java.io.FileNotFoundException
import java.io.IOException

/**
 * The bundles in an app's assets, as `levit-mobile deploy` writes them.
 *
 * Runtimes load artifacts by path, so a bundle is copied once, to a folder that is not part of a backup.
 */
public class AssetBundles(
    context: Context,
) {
    private val assets = context.applicationContext.assets
    private val root = File(context.applicationContext.noBackupFilesDir, FOLDER)

    /** The copies. */
    public val store: BundleStore = BundleStore(root)

    /**
     * The bundles that the app brings along; none where the assets have no index.
     *
     * @throws FormatException The index is not one that this version reads.
     */
    public suspend fun index(): BundleIndex = withContext(Dispatchers.IO) { indexBlocking() }

    /**
     * Copy a bundle unless it is there already, and compare every file with its digest.
     *
     * @param name Name of the bundle in the index.
     * @return Its folder.
     * @throws NoSuchElementException The index has no such bundle.
     * @throws DamagedBundleException A file is not what the index states.
     * @throws DiskFullException The storage has no room.
     * @throws IOException A file cannot be read or written.
     */
    public suspend fun install(name: String): File = withContext(Dispatchers.IO) { installBlocking(name) }

    /** [index] for callers without coroutines; not for the main thread. */
    public fun indexBlocking(): BundleIndex =
        try {
            BundleIndex.read(assets.open("$FOLDER/index.json").use { String(it.readBytes()) })
        } catch (_: FileNotFoundException) {
            BundleIndex(BundleIndex.SCHEMA_VERSION, emptyList())
        }

    /** [install] for callers without coroutines; not for the main thread. */
    public fun installBlocking(name: String): File {
        val bundles = indexBlocking().bundles
        val bundle: IndexedBundle =
            bundles.firstOrNull { it.name == name }
                ?: throw NoSuchElementException("the app has no bundle $name, only ${bundles.map { it.name }}")
        return store.install(bundle) { path -> assets.open("$FOLDER/$name/$path") }
    }

    private companion object {
        const val FOLDER = "bundles"
    }
}
