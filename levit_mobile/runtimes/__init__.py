"""The table of runtimes: the targets that each one runs, and whether it works on this machine.

Door: doctor, registry.
"""
