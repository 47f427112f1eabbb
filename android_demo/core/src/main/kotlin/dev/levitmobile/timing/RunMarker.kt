package dev.levitmobile.timing

import java.io.File

/**
 * A file that exists while a step runs, so that the next process knows what killed the last one.
 *
 * A graphics driver can end the whole process. The step that was running is then not run again but reported as not run.
 *
 * @param folder Folder that survives the process, such as `filesDir/benchmark`.
 */
public class RunMarker(
    private val folder: File,
) {
    private val file get() = File(folder, "running.txt")

    /**
     * Note that a step begins.
     *
     * @param name Name of the step.
     * @param doing What it does, such as `loading on the GPU`.
     */
    public fun begin(
        name: String,
        doing: String,
    ) {
        require('\n' !in name) { "the name of a step has two lines" }
        folder.mkdirs()
        file.outputStream().use {
            it.write("$name\n$doing".toByteArray())
            it.fd.sync()
        }
    }

    /** Note that the step has ended, by itself or by an exception. */
    public fun end() {
        file.delete()
    }

    /** The step during which the last process died, and the reason for `not_run`; null if none did. Forgets it. */
    public fun takeDied(): Pair<String, String>? {
        if (!file.exists()) return null
        val lines = file.readText().split("\n", limit = 2)
        file.delete()
        val doing = lines.getOrElse(1) { "" }.ifEmpty { "running" }
        return lines[0] to "the process died while $doing"
    }
}
