"""Images: preparation for a network, sets of images, the bundled digits, and labels and true classes.

Door: digits, ground_truth, image_set, labels, overrides, preprocessing, source, spec.
"""
