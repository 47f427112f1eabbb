"""Runtimes of others beside ours, on the bundled trained model: one module an engine, behind one small interface.

An engine's module has NAME, PACKAGE and ROWS, and two functions: `make` writes the file of a row, in a process that
sees the pinned packages, and `load` opens such a file, on this machine or on an emulated ARM64 core. Vendor packages
are imported inside these functions only, so that the table of rows needs none of them.
"""
