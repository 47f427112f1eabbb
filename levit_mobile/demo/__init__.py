"""The demo apps on a phone: installed, given bundles and a plan, watched, and their timing record fetched.

Door: android, ios, options, plan.
"""
