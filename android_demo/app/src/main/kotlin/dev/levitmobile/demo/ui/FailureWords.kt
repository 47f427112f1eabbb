package dev.levitmobile.demo.ui

import androidx.annotation.DrawableRes
import androidx.annotation.StringRes
import androidx.compose.runtime.Composable
import androidx.compose.ui.res.stringResource
import dev.levitmobile.demo.R
import dev.levitmobile.screen.FailureReason
import dev.levitmobile.screen.FailureReason.Code

/**
 * A failure as the screens show it.
 *
 * @property action Label of the button; null where the user can do nothing inside the app.
 * @property alarming Whether something is wrong; a denied permission is not.
 * @property detail What the machine reported; empty for nothing.
 */
class FailureWords(
    val title: String,
    val text: String,
    @param:DrawableRes val icon: Int,
    @param:StringRes val action: Int?,
    val alarming: Boolean,
    val detail: String,
)

/** The words for a failure. */
@Composable
fun failureWords(reason: FailureReason): FailureWords {
    val entry = entry(reason.code)
    return FailureWords(
        title = stringResource(entry.title),
        text = text(reason, entry.text),
        icon = entry.icon,
        action = entry.action,
        alarming = entry.alarming,
        detail = detail(reason),
    )
}

/** The size of a full storage is part of the text, and an app without bundles quotes the command that brings one. */
@Composable
private fun detail(reason: FailureReason): String =
    when (reason.code) {
        Code.DISK_FULL -> ""
        Code.NO_BUNDLE -> stringResource(R.string.deploy_command)
        else -> reason.detail
    }

@Composable
private fun text(
    reason: FailureReason,
    @StringRes text: Int,
): String {
    val bytes = if (reason.code == Code.DISK_FULL) reason.detail.toLongOrNull() else null
    return if (bytes == null) stringResource(text) else stringResource(R.string.failed_disk_full_size, rememberWords().bytes(bytes))
}

private class Entry(
    @param:StringRes val title: Int,
    @param:StringRes val text: Int,
    @param:DrawableRes val icon: Int = R.drawable.ic_error,
    @param:StringRes val action: Int? = R.string.retry,
    val alarming: Boolean = true,
)

private fun entry(code: Code): Entry =
    when (code) {
        Code.CAMERA_DENIED -> denied(R.string.failed_camera_denied, R.string.allow_camera)
        Code.CAMERA_DENIED_FOR_GOOD -> denied(R.string.failed_camera_denied_for_good, R.string.open_settings)
        Code.NO_CAMERA -> Entry(R.string.failed_no_camera_title, R.string.failed_no_camera, R.drawable.ic_camera_off, alarming = false)
        Code.CAMERA_IN_USE ->
            Entry(R.string.failed_camera_in_use_title, R.string.failed_camera_in_use, R.drawable.ic_camera_off, alarming = false)
        Code.UNREADABLE_IMAGE ->
            Entry(R.string.failed_unreadable_image_title, R.string.failed_unreadable_image, action = R.string.choose_picture)
        else -> bundleEntry(code)
    }

private fun denied(
    @StringRes text: Int,
    @StringRes action: Int,
) = Entry(R.string.failed_camera_denied_title, text, R.drawable.ic_camera_off, action, alarming = false)

private fun bundleEntry(code: Code): Entry =
    when (code) {
        Code.NO_BUNDLE -> Entry(R.string.failed_no_bundle_title, R.string.failed_no_bundle, R.drawable.ic_bundles, null, alarming = false)
        Code.DAMAGED_BUNDLE -> Entry(R.string.failed_damaged_bundle_title, R.string.failed_damaged_bundle)
        Code.UNSUPPORTED_BUNDLE -> Entry(R.string.failed_unsupported_bundle_title, R.string.failed_unsupported_bundle, action = null)
        Code.BROKEN_BUNDLE -> Entry(R.string.failed_broken_bundle_title, R.string.failed_broken_bundle)
        Code.DISK_FULL -> Entry(R.string.failed_disk_full_title, R.string.failed_disk_full)
        Code.UNSUPPORTED_DEVICE -> Entry(R.string.failed_unsupported_device_title, R.string.failed_unsupported_device, action = null)
        Code.NO_ACCELERATOR -> Entry(R.string.failed_no_accelerator_title, R.string.failed_no_accelerator)
        Code.PROCESS_DIED -> Entry(R.string.failed_process_died_title, R.string.failed_process_died)
        Code.TOO_HOT -> Entry(R.string.failed_too_hot_title, R.string.failed_too_hot, R.drawable.ic_heat)
        else -> Entry(R.string.failed_unexpected_title, R.string.failed_unexpected)
    }
