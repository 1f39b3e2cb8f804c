"""Single precision for likelihoods, whatever precision the network around them runs in.

A difference of two cumulative probabilities near 1 has no correct digits in bfloat16 (8 bits), so the
arithmetic of entropy models leaves autocast and works in float32 (or in float64, if that is what comes in).
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def at_least_float32(x: Tensor) -> Tensor:
    """Return x in float32, or unchanged if it is float64."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def no_autocast(x: Tensor) -> AbstractContextManager[object]:
    """Switch autocast off for the device that x is on, where that device has autocast at all."""
    if not torch.amp.is_autocast_available(x.device.type):
        return nullcontext()
    return torch.autocast(x.device.type, enabled=False)
