"""Bundles proven and timed on a phone over adb, on a farm's phones and on ARM64 machines, with programs of our own.

Door: adb, bench, options, phone, pulled, script.
"""
