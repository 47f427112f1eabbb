"""Models: checkpoints, the families that they are recognised as, and the parts that families share.

Door: checkpoint, download, fake_quant, families, int8_steps, local_copies, parts.
"""
