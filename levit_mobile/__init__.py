"""Turn a trained LeViT into Core ML, ExecuTorch and TFLite bundles that hold their own proof."""
