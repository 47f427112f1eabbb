"""A bundle on disk: opened and checked against its own digests, and inspected together with any other artifact.

Door: inspect, reader.
"""
