"""validate(): a bundle proven again: reference -> images -> both models -> verdict.

Door: passes, results.
"""
