// An app outside of the demo's build: it knows the library only as the AAR and the POM that `:levit:publish` writes.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
    plugins {
        id("com.android.application") version "9.4.1"
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        maven { url = uri("../build/repository") }
        google()
        mavenCentral()
    }
}

rootProject.name = "levit-mobile-consumer"
