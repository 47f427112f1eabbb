plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.plugin.serialization")
    `maven-publish`
}

group = "dev.levitmobile"
version = "0.1.0"

android {
    namespace = "dev.levitmobile.levit"
    compileSdk = 37
    defaultConfig {
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    testOptions {
        unitTests {
            isIncludeAndroidResources = true
        }
    }
    lint {
        warningsAsErrors = true
        lintConfig = file("../lint.xml")
    }
    publishing {
        singleVariant("release")
    }
}

kotlin {
    explicitApi()
    compilerOptions {
        allWarningsAsErrors = true
        progressiveMode = true
    }
}

dependencies {
    api(project(":core"))
    api(libs.coroutines.android)
    implementation(libs.bundles.levit)
    implementation(libs.bundles.litert)
    implementation(libs.bundles.executorch)
    compileOnly(libs.camera.core) // apps without CameraX do not need it
    testImplementation(libs.bundles.android.test)
    testImplementation(libs.camera.core)
}

publishing {
    publications {
        register<MavenPublication>("library") { afterEvaluate { from(components["release"]) } }
    }
    repositories {
        maven { url = uri("../build/repository") }
    }
}

tasks.withType<Test>().configureEach {
    // Robolectric runs Android 16 and newer on Java 21 or newer.
    javaLauncher = project.extensions.getByType<JavaToolchainService>().launcherFor { languageVersion = JavaLanguageVersion.of(21) }
    systemProperty("levit.testdata", rootDir.resolveSibling("testdata").path)
    systemProperty("levit.schemas", rootDir.resolveSibling("levit_mobile/schemas").path)
}
