package dev.levitmobile.runner

import dev.levitmobile.contract.Runtime
import org.junit.Test
import java.io.File
import kotlin.test.assertEquals

class VersionsTest {
    @Test
    fun `the versions of the runtimes are those of the catalogue`() {
        val catalogue = File(android(), "gradle/libs.versions.toml").readText()
        val stated = Runtime.entries.associateWith { Regex("(?m)^${it.name.lowercase()} = \"(.+)\"$").find(catalogue)?.groupValues?.get(1) }
        assertEquals(stated, Runners.versions)
    }

    /** Gradle runs tests in the module's folder, the build without Gradle in the one above. */
    private fun android(): File =
        generateSequence(File("").absoluteFile) { it.parentFile }.first { File(it, "settings.gradle.kts").exists() }
}
