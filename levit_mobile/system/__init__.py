"""The machine below: files and their digests, atomic writes, captured output, other processes, environments.

Door: atomic_write, capture_output, environments, file_signature, files, progress, workers.
"""
