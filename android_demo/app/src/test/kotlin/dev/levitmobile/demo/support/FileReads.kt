package dev.levitmobile.demo.support

import java.io.File
import java.nio.file.Path
import java.time.Duration

/**
 * The files that one thread reads or writes, as Java's Flight Recorder sees them.
 *
 * Robolectric's StrictMode does not see files: Android notes them in its own libraries below Java, which are not there.
 * Flight Recorder's classes come from the JVM's own loader; Robolectric would load others that do nothing.
 */
object FileReads {
    private val loader = ClassLoader.getPlatformClassLoader()
    private val recordingType = loader.loadClass("jdk.jfr.Recording")
    private val fileType = loader.loadClass("jdk.jfr.consumer.RecordingFile")
    private val eventType = loader.loadClass("jdk.jfr.consumer.RecordedEvent")

    /** Paths of all files that the calling thread reads or writes in [work]. */
    fun during(work: () -> Unit): List<String> {
        val recording = recordingType.getConstructor().newInstance() as AutoCloseable
        val copy = File.createTempFile("files", ".jfr")
        recording.use {
            for (event in listOf("jdk.FileRead", "jdk.FileWrite")) enable(recording, event)
            recordingType.getMethod("start").invoke(recording)
            work()
            recordingType.getMethod("stop").invoke(recording)
            recordingType.getMethod("dump", Path::class.java).invoke(recording, copy.toPath())
        }
        return pathsOf(copy.toPath()).also { copy.delete() }
    }

    private fun enable(
        recording: Any,
        event: String,
    ) {
        val settings = recordingType.getMethod("enable", String::class.java).invoke(recording, event)
        loader.loadClass("jdk.jfr.EventSettings").getMethod("withThreshold", Duration::class.java).invoke(settings, Duration.ZERO)
    }

    private fun pathsOf(recorded: Path): List<String> {
        val events = fileType.getMethod("readAllEvents", Path::class.java).invoke(null, recorded) as List<*>
        val thread = Thread.currentThread().name
        return events
            .filter {
                threadOf(
                    it,
                ) == thread
            }.map { eventType.getMethod("getString", String::class.java).invoke(it, "path") as String }
    }

    private fun threadOf(event: Any?): String? {
        val thread = eventType.getMethod("getThread").invoke(event) ?: return null
        return thread.javaClass.getMethod("getJavaName").invoke(thread) as String?
    }
}
