"""Readers of the three formats: the bytes of an artifact -> one `Inspection`, without a vendor's package.

Door: none; `targets` names each reader, and `bundle.inspect` calls it.
"""
