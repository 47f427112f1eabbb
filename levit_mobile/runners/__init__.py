"""Runners: an artifact on this machine's own runtime, `[N,3,H,W] float32 RGB in [0,1] -> [N,classes] float32`."""
