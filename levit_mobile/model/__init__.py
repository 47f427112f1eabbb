"""LeViT itself: the trained form, its checkpoints, and the exact rewrites into deployable forms."""
