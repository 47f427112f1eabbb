"""Values and protocols shared by rooms: the arguments and results of converters, inspectors, runners and loaders.

Door: card, inspection, litert, runner, toolchain.
"""
