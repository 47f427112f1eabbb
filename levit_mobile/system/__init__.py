"""The machine below: files, folders and their locks, digests, logs, captured output, other processes, environments.

Door: atomic_write, capture_output, environments, file_signature, files, folders, limits, locks, logs, pipes,
progress, workers.
"""
