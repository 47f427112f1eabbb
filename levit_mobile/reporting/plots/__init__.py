"""Plots as inline SVG: values in, markup out. Their colours are the page's, by class."""
