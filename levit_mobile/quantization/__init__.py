"""Static int8: ranges measured on images, exact rewrites that narrow them, int8 weights, and mixed-precision plans.

Door: calibration, cost_model, equalize, plan, prepare, score_cache, search, spread_search.
"""
