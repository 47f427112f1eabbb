"""Deployment: bundles copied into an Android or iOS app, with the index that the app reads.

Door: copies, deploy, index, places, runtimes.
"""
