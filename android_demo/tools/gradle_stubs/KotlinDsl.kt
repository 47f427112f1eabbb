// What Gradle's Kotlin scripts see without an import, with the members that the `android` blocks use.
package org.gradle.kotlin.dsl

import org.gradle.api.NamedDomainObjectContainer
import java.io.File

operator fun <T : Any> NamedDomainObjectContainer<T>.invoke(block: NamedDomainObjectContainer<T>.() -> Unit) = block()

fun file(path: String): File = File(path)
