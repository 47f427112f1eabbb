"""Runners: each runs an artifact, or the trained model itself, on a runtime of this machine.

Door: adapters, child, eager, executorch, mil, tflite, tflite_runtime_child.
"""
