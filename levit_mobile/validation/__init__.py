"""Validation in one pass or several: find the reference and the images, run both models, and give the verdict.

Door: passes, results.
"""
