"""The comparison of logits: metrics, their statistics over many images, and the report with its bounds.

Door: checks, compare, cores, logit_stats, metrics, report.
"""
