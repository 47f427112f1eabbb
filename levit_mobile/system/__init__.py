"""The operating system: files, folders, locks, digests, logs, captured output, other processes and environments.

Door: android_sdk, atomic_write, capture_output, environments, file_signature, files, folders, interruption, limits,
locks, logs, ownership, pipes, printable, progress, workers.
"""
