"""Conversion in six steps: import, bake, lower, inspect, prove, write; and the search for a mixed-precision plan.

It is not called ``convert``: importing a package of that name would hide the function ``levit_mobile.convert``.
Door: convert, half, lowering, plan, precheck, quantization_summary, source_model, writing.
"""
