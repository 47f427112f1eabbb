"""Static int8: ranges measured on pictures, exact rewrites that narrow them, weights on their grids, and the plan."""
