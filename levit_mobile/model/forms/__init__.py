"""Two deployable forms over the same baked weights, one for each kind of delegate.

TokenMajor      tokens [1,T,C]: linears and 3-D batched matmuls, what XNNPACK runs as one partition.
ChannelsFirst   grids [1,C,1,T]: 1x1 convolutions and 4-D matmuls, what Apple's Neural Engine prefers (reports of 2-D
                linears before a Hardswish going wrong there in float16: coreai-torch #51, coremltools #2625).

Both take one picture, keep the baked model's block names, and hold no gather, no batch norm, no strided slice and no
tensor above rank 4.
"""

from __future__ import annotations

from levit_mobile.model.forms.channels import ChannelsFirst
from levit_mobile.model.forms.tokens import TokenMajor
from levit_mobile.model.forms.weights import regroup

__all__ = ["ChannelsFirst", "TokenMajor", "regroup"]
