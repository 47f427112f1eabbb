"""Images: how one is prepared for a network, folders of them, the bundled digits, and names and truths of classes.

Door: digits, ground_truth, image_set, labels, source.
"""
