"""What every latent codec offers: a differentiable stand-in for training, and real coding both ways."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from latentpress.errors import BitstreamError

__all__ = ["LatentCodec", "checked_strings"]


class LatentCodec(nn.Module):
    """A procedure that turns a latent into strings and back.

    Codecs nest: a codec may hand parts of its latent to other codecs. The three methods return dictionaries:

    - `forward(y, ...)`: `"likelihoods"`, a dictionary of tensors by latent, and `"y_hat"`, the quantised
      latent that a synthesis transform can be trained on;
    - `compress(y, ...)`: `"strings"`, a list with a list of one `bytes` per image for each latent; `"shape"`,
      what `decompress` needs to know beside the strings; and `"y_hat"`, exactly what the decoder will see;
    - `decompress(strings, shape, ...)`: `"y_hat"`.
    """

    def forward(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W) differentiably, and give its likelihoods."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward().")

    def compress(self, y: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W) into strings."""
        raise NotImplementedError(f"{type(self).__name__} does not define compress().")

    def decompress(
        self, strings: Sequence[Sequence[bytes]], shape: Any, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Decode what `compress` made."""
        raise NotImplementedError(f"{type(self).__name__} does not define decompress().")


def checked_strings(
    strings: Sequence[Sequence[bytes]], count: int | None = None, *, at_least: int = 1
) -> Sequence[Sequence[bytes]]:
    """`strings` after checking that it has `count` (or `at_least` so many) latents of as many images each.

    Raises:
        BitstreamError: it has not.
    """
    if len(strings) != count if count is not None else len(strings) < at_least:
        expected = f"at least {at_least}" if count is None else count
        raise BitstreamError(f"Expected strings of {expected} latents, found {len(strings)}.")
    images = {len(latent) for latent in strings}
    if len(images) > 1:
        raise BitstreamError(f"Expected as many strings for each latent, found {sorted(images)}.")
    return strings
