"""Which runtimes there are, what each runs, and which of them work on this machine.

Door: doctor, registry.
"""
