"""The Android demo app on a phone: installed, given bundles and a plan, watched, and its timing record fetched.

Door: bench, options, plan.
"""
