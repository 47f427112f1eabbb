"""Everything that was found of artifacts below a folder, joined: what `report` draws.

Door: collect, evidence, join, pareto.
"""
