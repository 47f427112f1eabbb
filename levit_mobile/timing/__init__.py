"""How long artifacts take, on this machine and on phones: one record, the same statistics, and what made them.

Door: beside, bench, figures, ratios, record, regression, samples.
"""
