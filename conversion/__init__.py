"""Vendor toolchains, one file a target: nn.Module -> artifact file. Not public; `levit_mobile.convert` is the door."""
