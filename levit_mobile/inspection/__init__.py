"""Readers of the three formats: they turn an artifact's bytes into an ``Inspection``, without a vendor's package.

Door: none; `targets` names each reader, and `bundle.inspect` calls it.
"""
