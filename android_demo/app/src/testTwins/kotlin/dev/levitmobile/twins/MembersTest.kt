package dev.levitmobile.twins

import org.junit.Test
import java.io.File
import java.lang.reflect.Constructor
import java.lang.reflect.Executable
import java.lang.reflect.Field
import java.lang.reflect.Member
import java.lang.reflect.Method
import java.lang.reflect.Modifier
import java.util.zip.ZipFile
import kotlin.test.assertEquals
import kotlin.test.assertTrue

/**
 * A twin offers nothing that the vendor does not: each of its members is in `twins/members/`, with the vendor's types.
 * The lists name the version and the file of the source that they were written from.
 */
class MembersTest {
    @Test
    fun `the twin of LiteRT has only the vendor's members`() = assertListed("litert", "com.google.ai.edge.litert.CompiledModel")

    @Test
    fun `the twin of ExecuTorch has only the vendor's members`() = assertListed("executorch", "org.pytorch.executorch.Module")

    @Test
    fun `the twin of CameraX has only the vendor's members`() = assertListed("camerax", "androidx.camera.core.ImageProxy")

    @Test
    fun `each list names versions and sources`() {
        for (file in LISTS.listFiles().orEmpty()) {
            val comments = file.readLines().filter { it.startsWith("#") }
            assertTrue(comments.any { Regex("version \\d+\\.\\d+").containsMatchIn(it) }, "${file.name} names no version")
            assertTrue(comments.any { "source " in it }, "${file.name} names no source")
        }
    }

    private fun assertListed(
        list: String,
        className: String,
    ) {
        val listed = File(LISTS, "$list.txt").readLines().filter { it.isNotBlank() && !it.startsWith("#") }
        val found = classesBeside(Class.forName(className)).flatMap(::members).toSortedSet()
        assertTrue(found.size > 20, "only ${found.size} members of $list were found")
        assertEquals(emptyList(), found.filter { it !in listed }, "members of the twin that the list lacks")
        assertEquals(emptyList(), listed.filter { it !in found }, "lines of the list that the twin lacks")
    }

    private fun classesBeside(one: Class<*>): List<Class<*>> {
        val jar =
            File(
                one.protectionDomain.codeSource.location
                    .toURI(),
            )
        val names = ZipFile(jar).use { zip -> zip.entries().toList().map { it.name } }
        return names
            .filter { it.endsWith(".class") && !it.startsWith("dev/levitmobile/") }
            .map { Class.forName(it.removeSuffix(".class").replace('/', '.'), false, one.classLoader) }
            .filter { Modifier.isPublic(it.modifiers) && !it.isAnonymousClass && !it.isSynthetic }
    }

    private fun members(of: Class<*>): List<String> =
        (of.declaredConstructors.toList() + of.declaredMethods + of.declaredFields)
            .filter(::isOffered)
            .map { "${of.name}: ${described(it)}" }

    /** Kotlin makes some members by itself, and names its internal ones with a dollar sign. */
    private fun isOffered(member: Member): Boolean {
        val visible = Modifier.isPublic(member.modifiers) || Modifier.isProtected(member.modifiers)
        val ordinary = member is Constructor<*> || '$' !in member.name
        return visible && ordinary && !member.isSynthetic && !isMade(member)
    }

    private fun isMade(member: Member): Boolean {
        val name = member.name
        val ofEnum = member.declaringClass.isEnum && name in setOf("values", "valueOf", "getEntries")
        val ofData = name in setOf("copy", "toString", "hashCode", "equals") || Regex("component\\d").matches(name)
        return ofEnum || ofData || name == "Companion" ||
            (member is Executable && member.parameterTypes.any { "DefaultConstructorMarker" in it.name })
    }

    private fun described(member: Member): String =
        when (member) {
            is Field -> "${static(member)}${member.type.typeName} ${member.name}"
            is Method -> "${static(member)}${member.returnType.typeName} ${member.name}(${types(member)})"
            else -> "constructor(${types(member as Executable)})"
        }

    private fun static(member: Member) = if (Modifier.isStatic(member.modifiers)) "static " else ""

    private fun types(member: Executable) = member.parameterTypes.joinToString(", ") { it.typeName }

    private companion object {
        val LISTS = File("twins/members")
    }
}
