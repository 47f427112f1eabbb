package dev.levitmobile.store

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.nio.file.AtomicMoveNotSupportedException
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import java.security.MessageDigest

/** A bundle whose files are not what its index or its contract states. */
public class DamagedBundleException(
    message: String,
    cause: Throwable? = null,
) : Exception(message, cause)

/** The storage has no room for a bundle; [neededBytes] are missing at most. */
public class DiskFullException(
    public val neededBytes: Long,
) : IOException("the storage has no room for $neededBytes bytes")

/**
 * Bundles as files: each is copied once, checked by its digests, and appears only when it is complete.
 *
 * A copy is made beside its place under a name that [installed] does not list, and renamed at the end. An interrupted
 * copy is removed by the next [install]. Calls from several threads take turns, also through several
 * stores of one folder; keep them off the main thread.
 *
 * @param root Folder of the bundles, such as `filesDir/bundles`.
 * @param freeBytes Room on a folder's storage.
 */
public class BundleStore(
    private val root: File,
    private val freeBytes: (File) -> Long = File::getUsableSpace,
) {
    /**
     * Copy a bundle unless it is there already with the same digests.
     *
     * @param bundle What the index states about it.
     * @param open Opens one of its files by its path, such as an asset.
     * @return Its folder.
     * @throws DamagedBundleException A file has another size or digest.
     * @throws DiskFullException The storage has no room.
     * @throws IOException A file cannot be read or written.
     */
    public fun install(
        bundle: IndexedBundle,
        open: (String) -> InputStream,
    ): File = synchronized(TURNS) { installAlone(bundle, open) }

    private fun installAlone(
        bundle: IndexedBundle,
        open: (String) -> InputStream,
    ): File {
        removeLeftovers()
        val folder = folderOf(bundle)
        if (folder.isDirectory) return folder.also { removeOlder(bundle, it) }
        val needed = bundle.files.sumOf { it.bytes }
        if (root.mkdirs() || root.isDirectory) requireRoom(needed)
        val part = File(root, PART + folder.name)
        try {
            for (file in bundle.files) copy(file, File(part, file.path), open)
            publish(part, folder)
        } catch (error: IOException) {
            if (error !is DiskFullException && freeBytes(root) < MARGIN) throw DiskFullException(needed)
            throw error
        } finally {
            part.deleteRecursively()
        }
        removeOlder(bundle, folder)
        return folder
    }

    /** Folder of a bundle that is installed with these digests; null if it is not. */
    public fun find(bundle: IndexedBundle): File? = folderOf(bundle).takeIf { it.isDirectory }

    /** Folders of all complete bundles, by name. */
    public fun installed(): List<File> =
        root
            .listFiles()
            .orEmpty()
            .filter { it.isDirectory && !it.name.startsWith(PART) }
            .sortedBy { it.name }

    /**
     * Check every file of an installed bundle again.
     *
     * @throws DamagedBundleException A file is missing, or has another size or digest.
     */
    public fun verify(bundle: IndexedBundle) {
        val folder = folderOf(bundle)
        for (file in bundle.files) {
            val found = File(folder, file.path)
            if (!found.isFile) throw DamagedBundleException("${bundle.name}: ${file.path} is missing")
            val (bytes, digest) = found.inputStream().use { drain(it) { _, _ -> } }
            requireSame(file, bytes, digest)
        }
    }

    /** Remove a bundle, so that the next [install] copies it anew. */
    public fun remove(bundle: IndexedBundle): Unit = synchronized(TURNS) { removeAlone(bundle) }

    private fun removeAlone(bundle: IndexedBundle) {
        val folder = folderOf(bundle)
        val part = File(root, PART + folder.name)
        if (folder.renameTo(part) || folder.exists()) part.deleteRecursively()
    }

    /** The digests of all files are part of the name: a bundle that has changed gets a folder of its own. */
    private fun folderOf(bundle: IndexedBundle): File {
        val all = bundle.files.sortedBy { it.path }.joinToString("\n") { "${it.sha256}  ${it.path}" }
        val digest = MessageDigest.getInstance(SHA_256).digest(all.toByteArray())
        return File(root, "${bundle.name}@${hex(digest).take(DIGITS)}")
    }

    /** A process that was killed after the rename has left the former version behind. */
    private fun removeOlder(
        bundle: IndexedBundle,
        current: File,
    ) {
        val older = installed().filter { it.name.substringBeforeLast('@') == bundle.name && it != current }
        older.forEach(File::deleteRecursively)
    }

    private fun removeLeftovers() {
        root
            .listFiles()
            .orEmpty()
            .filter { it.name.startsWith(PART) }
            .forEach(File::deleteRecursively)
    }

    private fun requireRoom(needed: Long) {
        if (freeBytes(root) < needed + MARGIN) throw DiskFullException(needed)
    }

    private fun copy(
        file: IndexedFile,
        target: File,
        open: (String) -> InputStream,
    ) {
        Files.createDirectories(checkNotNull(target.parentFile).toPath())
        val (bytes, digest) =
            open(file.path).use { source ->
                target.outputStream().use { out ->
                    drain(source) { buffer, count -> out.write(buffer, 0, count) }.also { out.fd.sync() }
                }
            }
        requireSame(file, bytes, digest)
    }

    private fun requireSame(
        file: IndexedFile,
        bytes: Long,
        digest: String,
    ) {
        if (bytes != file.bytes) throw DamagedBundleException("${file.path} has $bytes bytes, expected ${file.bytes}")
        if (digest != file.sha256) throw DamagedBundleException("${file.path} has digest $digest, expected ${file.sha256}")
    }

    private fun publish(
        part: File,
        folder: File,
    ) {
        try {
            Files.move(part.toPath(), folder.toPath(), StandardCopyOption.ATOMIC_MOVE)
        } catch (error: AtomicMoveNotSupportedException) {
            throw IOException("the bundle cannot be renamed to $folder", error)
        }
    }

    private companion object {
        // One for all stores: an app's screens each have their own, of the same folder.
        val TURNS = Any()
        const val PART = ".part-"
        const val DIGITS = 12
        const val MARGIN = 1L shl 20
    }
}

private const val SHA_256 = "SHA-256"

/** Pass a stream's bytes on; returns their number and SHA-256. */
internal fun drain(
    source: InputStream,
    write: (ByteArray, Int) -> Unit,
): Pair<Long, String> {
    val digest = MessageDigest.getInstance(SHA_256)
    val buffer = ByteArray(1 shl 16)
    var bytes = 0L
    while (true) {
        val count = source.read(buffer)
        if (count < 0) return bytes to hex(digest.digest())
        digest.update(buffer, 0, count)
        write(buffer, count)
        bytes += count
    }
}

internal fun sha256(bytes: ByteArray): String = hex(MessageDigest.getInstance(SHA_256).digest(bytes))

private fun hex(bytes: ByteArray): String = bytes.joinToString("") { "%02x".format(java.util.Locale.ROOT, it) }
