"""LeViT: the trained form, its checkpoints, and the exact rewrites into deployable forms.

Door: bake, checkpoint, download, fake_quant, forms, intermediate_outputs, levit.
"""
