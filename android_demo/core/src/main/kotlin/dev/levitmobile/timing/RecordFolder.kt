package dev.levitmobile.timing

import dev.levitmobile.store.DiskFullException
import java.io.File
import java.io.IOException
import java.nio.file.Files
import java.nio.file.StandardCopyOption

/**
 * Where an app keeps its timing records: `NAME.json` each, written beside its place and renamed, with the lines of the
 * last run in [PROGRESS].
 *
 * @param folders The folder, then those that are used where it cannot be written, such as one on a removed card.
 * @param freeBytes Room on a folder's storage.
 */
public class RecordFolder(
    private val folders: List<File>,
    private val freeBytes: (File) -> Long = File::getUsableSpace,
) {
    init {
        require(folders.isNotEmpty()) { "there is no folder for records" }
    }

    /** All records, newest first. */
    public fun records(): List<File> =
        folders
            .flatMap { it.listFiles().orEmpty().toList() }
            .filter { it.name.endsWith(SUFFIX) }
            .sortedByDescending { it.lastModified() }

    /**
     * Write a record, completely or not at all; it replaces one of the same name.
     *
     * @param name Name of the file without `.json`.
     * @throws DiskFullException No folder has room.
     * @throws IOException No folder can be written.
     */
    public fun write(
        name: String,
        record: TimingRecord,
    ): File {
        require(NAME.matches(name)) { "the record's name is $name, expected letters, digits, dots, dashes and underscores" }
        val bytes = record.write().toByteArray()
        return anywhere { folder -> written(File(folder, name + SUFFIX), bytes) }
    }

    /** Empty the file of lines, for a new run. Throws [IOException] where no folder can be written. */
    public fun startLines(): File =
        anywhere { folder ->
            Files.createDirectories(folder.toPath())
            File(folder, PROGRESS).also { it.writeText("") }
        }

    /** Append a line to a file from [startLines]; lines are for whoever watches, so one that cannot be written is left out. */
    public fun addLine(
        file: File,
        line: ProgressLine,
    ) {
        try {
            file.appendText(line.write() + "\n")
        } catch (_: IOException) {
            return
        }
    }

    private fun <T> anywhere(write: (File) -> T): T {
        var failure: IOException? = null
        for (folder in folders) {
            try {
                return write(folder)
            } catch (error: IOException) {
                failure = failure ?: error
            }
        }
        if (folders.all { freeBytes(existing(it)) < MARGIN }) throw DiskFullException(MARGIN)
        throw checkNotNull(failure)
    }

    /** A path that does not exist yet has no room by itself: that of the folder above counts. */
    private fun existing(folder: File): File {
        val above = generateSequence(folder.absoluteFile) { it.parentFile }
        return above.firstOrNull { it.isDirectory } ?: folder
    }

    private fun written(
        target: File,
        bytes: ByteArray,
    ): File {
        val folder = checkNotNull(target.parentFile)
        Files.createDirectories(folder.toPath())
        val part = File(folder, ".${target.name}.part")
        try {
            part.outputStream().use {
                it.write(bytes)
                it.fd.sync()
            }
            Files.move(part.toPath(), target.toPath(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
        } finally {
            part.delete()
        }
        return target
    }

    public companion object {
        /** File with one JSON line per moment of the last run. */
        public const val PROGRESS: String = "progress.jsonl"

        private const val SUFFIX = ".json"
        private const val MARGIN = 1L shl 20
        private val NAME = Regex("[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
    }
}
