"""Logits against logits: the metrics, their statistics over many images, and the report that holds the bounds.

Door: checks, compare, logit_stats, metrics.
"""
