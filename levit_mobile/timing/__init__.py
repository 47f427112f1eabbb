"""Times of artifacts on this machine and on phones: how they are measured, recorded, summarised and compared.

Door: bench, figures, record, regression, samples.
"""
