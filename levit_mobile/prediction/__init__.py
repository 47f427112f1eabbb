"""Predictions: the classes that a bundle's artifact gives for pictures, by the runtime that runs it here.

Door: predict.
"""
