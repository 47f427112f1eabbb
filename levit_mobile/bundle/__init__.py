"""A bundle on disk: it is opened, checked against its own digests, and inspected like an artifact of any origin.

Door: inspect, reader.
"""
