"""Images: preparation for a network, sets of images, the bundled digits, and labels and true classes.

Door: address, digits, ground_truth, image_set, labels, overrides, preprocessing, source, spec, stores.
"""
