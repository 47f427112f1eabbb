"""Static int8: ranges measured on images, exact rewrites that narrow them, weights on their grids, and the plan.

Door: calibration, cost_model, equalize, plan, prepare, search.
"""
