package dev.levitmobile.demo

import android.os.Build
import android.os.StrictMode
import android.os.strictmode.Violation
import androidx.annotation.RequiresApi

/**
 * End the app where its own code reads or writes files on the main thread.
 *
 * Makers of phones read files on the main thread in their own frameworks. So the listener, which Android has from 9 on,
 * looks for this project's own among the callers; older versions end only for calls that are marked as slow.
 */
internal fun guardMainThread() {
    val policy = StrictMode.ThreadPolicy.Builder().detectCustomSlowCalls()
    if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
        policy
            .detectDiskReads()
            .detectDiskWrites()
            .detectNetwork()
            .penaltyLog()
            .penaltyListener(Runnable::run, ::endForOwn)
    } else {
        policy.penaltyLog().penaltyDeath()
    }
    StrictMode.setThreadPolicy(policy.build())
}

@RequiresApi(Build.VERSION_CODES.P)
private fun endForOwn(violation: Violation) {
    if (violation.stackTrace.any { call -> OWN.any(call.className::startsWith) }) throw MainThreadException(violation)
}

/** Work on the main thread that belongs on another one. */
internal class MainThreadException(
    cause: Throwable,
) : RuntimeException("bundles, pictures and records are not for the main thread", cause)

/** Packages and classes that work with files; screens are not among them. */
private val OWN =
    listOf(
        "dev.levitmobile.AssetBundles",
        "dev.levitmobile.LevitClassifier",
        "dev.levitmobile.contract.",
        "dev.levitmobile.photo.",
        "dev.levitmobile.runner.",
        "dev.levitmobile.store.",
        "dev.levitmobile.demo.benchmark.DeviceRecords",
        "dev.levitmobile.demo.bundles.DeviceBundles",
        "dev.levitmobile.demo.photo.DevicePictures",
    )
