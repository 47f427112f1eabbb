"""Bundles on disk: found below a folder, opened, checked against their own digests, inspected like any artifact.

Door: inspect, listing, reader.
"""
