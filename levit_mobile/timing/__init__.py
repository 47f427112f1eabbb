"""Times of artifacts on this machine and on phones: how they are measured, recorded, summarised and compared.

Door: beside, bench, candidates, feeding, figures, golden, jobs, marks, ratios, record, regression, samples.
"""
