import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    id("org.jetbrains.kotlin.jvm")
    id("org.jetbrains.kotlin.plugin.serialization")
    `maven-publish`
}

group = "dev.levitmobile"
version = "0.1.0"

kotlin {
    explicitApi()
    jvmToolchain(17)
    compilerOptions {
        allWarningsAsErrors = true
        progressiveMode = true
    }
    target.compilations.named("main") {
        compileTaskProvider.configure {
            compilerOptions {
                jvmTarget = JvmTarget.JVM_11
                freeCompilerArgs.add("-Xjdk-release=11")
            }
        }
    }
}

tasks.named<JavaCompile>("compileJava") { options.release = 11 }

dependencies {
    api(libs.bundles.core)
    testImplementation(libs.bundles.core.test)
}

tasks.test {
    useJUnitPlatform()
    jvmArgs("-XX:-DoEscapeAnalysis") // Android's runtime removes few allocations, so none is removed here
    systemProperty("levit.testdata", rootDir.resolveSibling("testdata").path)
    systemProperty("levit.schemas", rootDir.resolveSibling("levit_mobile/schemas").path)
    inputs.dir(rootDir.resolveSibling("testdata"))
}

publishing {
    publications {
        register<MavenPublication>("library") { from(components["java"]) }
    }
    repositories {
        maven { url = uri("../build/repository") }
    }
}
