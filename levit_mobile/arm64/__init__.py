"""Real ARM64 builds of the runtimes on this desk: made, run in an emulator, and their instructions counted.

Door: cost, count, counting, cpus, folder, packages, runner, setup.
"""
