"""Loading weights as they are in their file, whatever defaults a program has set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def as_in_files() -> Iterator[None]:
    """Networks made in the block are of float32 and on the CPU, and can be trained, whatever PyTorch's
    default type and device are, and in inference mode too.

    Networks that get no weights are left to PyTorch's defaults, as people expect of layers.
    """
    import torch

    default = torch.get_default_dtype()
    with torch.inference_mode(False), torch.enable_grad(), torch.device("cpu"):
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(default)
