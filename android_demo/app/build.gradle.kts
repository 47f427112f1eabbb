plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.plugin.compose")
    id("org.jetbrains.kotlin.plugin.serialization")
}

android {
    namespace = "dev.levitmobile.demo"
    compileSdk = 37
    defaultConfig {
        applicationId = "dev.levitmobile.demo"
        minSdk = 26
        targetSdk = 36
        versionCode = 1
        versionName = "0.1.0"
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }
    buildTypes {
        getByName("release") {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
            // Here alone: AGP unites these with those of defaultConfig, and the emulator needs x86_64.
            ndk { abiFilters += listOf("arm64-v8a", "x86_64") }
        }
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
    buildFeatures { compose = true }
    androidResources { noCompress += listOf("tflite", "pte", "rgb8", "f32") }
    packaging {
        jniLibs {
            useLegacyPackaging = false
            pickFirsts += "**/libc++_shared.so" // both runtimes bring it
        }
    }
    testOptions {
        unitTests {
            isIncludeAndroidResources = true
        }
        managedDevices {
            localDevices {
                create("emulator") {
                    device = "Pixel 6"
                    apiLevel = 34
                    systemImageSource = "aosp-atd" // an image made for tests
                }
            }
        }
    }
    lint {
        warningsAsErrors = true
        lintConfig = file("../lint.xml")
    }
}

kotlin {
    compilerOptions {
        allWarningsAsErrors = true
        progressiveMode = true
    }
}

dependencies {
    implementation(project(":levit"))
    implementation(platform(libs.compose.bom))
    implementation(libs.bundles.app)
    implementation(libs.bundles.camera)
    testImplementation(libs.bundles.android.test)
    androidTestImplementation(libs.bundles.instrumented.test)
}

tasks.withType<Test>().configureEach {
    // Robolectric runs Android 16 and newer on Java 21 or newer.
    javaLauncher = project.extensions.getByType<JavaToolchainService>().launcherFor { languageVersion = JavaLanguageVersion.of(21) }
    systemProperty("levit.testdata", rootDir.resolveSibling("testdata").path)
    systemProperty("levit.schemas", rootDir.resolveSibling("levit_mobile/schemas").path)
}
