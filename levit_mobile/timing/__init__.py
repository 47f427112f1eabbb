"""How long artifacts take, on this machine and on phones: one record, the same statistics, and what made them.

Door: bench, figures, record, regression, samples.
"""
