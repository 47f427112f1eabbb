// The few types of Gradle that the interfaces of the Android Gradle plugin name, with the members that the `android`
// blocks use. Gradle's real types are on no registry that this build uses.
package org.gradle.api

interface Named {
    fun getName(): String
}

interface Incubating

interface NamedDomainObjectCollection<T : Any> : MutableCollection<T> {
    fun getByName(
        name: String,
        block: T.() -> Unit,
    ): T
}

interface NamedDomainObjectSet<T : Any> :
    NamedDomainObjectCollection<T>,
    MutableSet<T>

interface NamedDomainObjectContainer<T : Any> : NamedDomainObjectSet<T> {
    fun create(
        name: String,
        block: T.() -> Unit,
    ): T
}

interface ExtensiblePolymorphicDomainObjectContainer<T : Any> : NamedDomainObjectContainer<T>

enum class JavaVersion {
    VERSION_11,
    VERSION_17,
}
