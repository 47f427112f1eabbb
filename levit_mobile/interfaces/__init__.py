"""Values and protocols that cross walls: what a converter, an inspector, a runner and a loader take and give.

Door: card, inspection, runner, toolchain.
"""
