"""Eight bytes that tell one set of weights from another: a file is only decoded by what encoded it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

FINGERPRINT_BYTES = 8


def fingerprint(model: nn.Module) -> bytes:
    """Eight bytes over all of the model's state dict: weights, constants and the coder's integer tables.

    The same on every device, in every memory format, compiled or not, and after every round trip through a
    checkpoint. Any
    changed value changes it: `model.half()` rounds the weights and cannot decode what the unrounded model
    encoded, so its fingerprint is another one. It also changes when `model.update()` builds or rebuilds the
    tables.

    The bytes are BLAKE2b with a digest of 8 bytes over, for each key in sorted order: the key in UTF-8, a
    zero byte, the name of the type, a zero byte, the shape as decimal numbers joined by commas, a zero byte,
    the values in C order, little-endian. Floating-point values are hashed as float32.

    Example:
        >>> from torch import nn
        >>> from latentpress import zoo
        >>> layer = nn.Conv2d(3, 8, 3)
        >>> len(zoo.fingerprint(layer)), zoo.fingerprint(layer) == zoo.fingerprint(nn.Conv2d(3, 8, 3))
        (8, False)
    """
    from latentpress.models.utils import plain_key

    digest = hashlib.blake2b(digest_size=FINGERPRINT_BYTES)
    for key, tensor in sorted((plain_key(key), tensor) for key, tensor in model.state_dict().items()):
        kind, values = _plain(tensor)
        shape = ",".join(str(extent) for extent in tensor.shape)
        digest.update(f"{key}\0{kind}\0{shape}\0".encode())
        digest.update(values)
    return digest.digest()


def _plain(tensor: Tensor) -> tuple[str, bytes]:
    """Name of the type and little-endian bytes of a tensor, whatever device and layout it has."""
    if tensor.is_floating_point():
        tensor = tensor.float()
    array = tensor.detach().cpu().contiguous().numpy()
    return array.dtype.name, array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
