"""The runtimes built for ARM64: how they are set up on this machine, run in an emulator, and counted by instruction.

Door: cost, count, counting, cpus, folder, packages, payload, runner, setup.
"""
