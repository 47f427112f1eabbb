"""Deployment: bundles copied into the assets of an Android app, with the index that the app reads.

Door: copies, deploy, index, runtimes.
"""
