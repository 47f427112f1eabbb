"""Everything found below a folder about artifacts, joined by their digests, for ``report``.

Door: collect, evidence, join, pareto, shipping.
"""
