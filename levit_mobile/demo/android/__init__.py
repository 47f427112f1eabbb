"""The Android demo app on a phone, over adb."""
