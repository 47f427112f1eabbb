package androidx.camera.viewfinder.core

enum class ImplementationMode {
    EXTERNAL,
    EMBEDDED,
}
