package dev.levitmobile.runner

import dev.levitmobile.TestBundles
import org.junit.Assume.assumeTrue
import org.junit.Test
import java.io.File
import java.lang.reflect.InvocationTargetException
import java.net.URLClassLoader
import kotlin.test.assertContains
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** A device whose native libraries cannot be loaded, such as a 32-bit one. */
class NoLibraryTest {
    @Test
    fun `a runtime without its library is not available, also the second time`() {
        assumeTrue(TestBundles.names.isNotEmpty())
        for ((name, property) in listOf(TestBundles.LITERT to "levit.litert", TestBundles.EXECUTORCH to "levit.executorch")) {
            val library = System.getProperty(property)
            System.clearProperty(property)
            try {
                val loader = URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())
                repeat(2) { assertNotAvailable(loader, name) }
            } finally {
                System.setProperty(property, library)
            }
        }
    }

    private fun assertNotAvailable(
        loader: ClassLoader,
        name: String,
    ) {
        val companion = loader.loadClass("dev.levitmobile.store.Bundle").getField("Companion").get(null)
        val bundle = companion.javaClass.getMethod("open", File::class.java).invoke(companion, TestBundles.folder(name))
        val runners = loader.loadClass("dev.levitmobile.runner.Runners")
        val open = runners.methods.single { it.name == "open" }
        val cpu = open.parameterTypes[1].enumConstants[0]
        val error = assertFailsWith<InvocationTargetException> { open.invoke(runners.getField("INSTANCE").get(null), bundle, cpu, 1) }
        assertEquals("dev.levitmobile.parity.NotAvailableException", error.cause?.javaClass?.name)
        assertContains(error.cause?.message.orEmpty(), "32-bit")
    }

    private fun classPath() =
        System
            .getProperty("java.class.path")
            .split(File.pathSeparator)
            .map { File(it).toURI().toURL() }
            .toTypedArray()
}
