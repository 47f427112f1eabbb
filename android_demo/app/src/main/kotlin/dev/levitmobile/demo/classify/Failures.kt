package dev.levitmobile.demo.classify

import dev.levitmobile.BrokenBundleException
import dev.levitmobile.UnreadablePictureException
import dev.levitmobile.contract.FormatException
import dev.levitmobile.parity.NotAvailableException
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code
import dev.levitmobile.store.DamagedBundleException
import dev.levitmobile.store.DiskFullException
import dev.levitmobile.store.UnsupportedBundleException

/** No bundle was deployed into the app. */
class NoBundleException : Exception("no bundle was deployed into the app")

/** The reason that the screens show for an exception. */
internal fun failureReason(error: Exception): FailureReason =
    when (error) {
        is NoBundleException -> FailureReason(Code.NO_BUNDLE)
        is BrokenBundleException -> FailureReason(Code.BROKEN_BUNDLE, error.check.reasons.joinToString("\n"))
        is DiskFullException -> FailureReason(Code.DISK_FULL, error.neededBytes.toString())
        is UnreadablePictureException -> FailureReason(Code.UNREADABLE_IMAGE)
        is UnsupportedDeviceException -> FailureReason(Code.UNSUPPORTED_DEVICE)
        else -> FailureReason(code(error), error.message ?: error.javaClass.simpleName)
    }

private fun code(error: Exception): Code =
    when (error) {
        is DamagedBundleException, is FormatException -> Code.DAMAGED_BUNDLE
        is UnsupportedBundleException -> Code.UNSUPPORTED_BUNDLE
        is NotAvailableException -> Code.NO_ACCELERATOR
        else -> Code.UNEXPECTED
    }
