"""Coding a latent in groups of channels, each predicted from the groups before it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs import critical
from latentpress.latent_codecs.base import LatentCodec, checked_strings

__all__ = ["ChannelGroupsLatentCodec"]


class ChannelGroupsLatentCodec(LatentCodec):
    """Codes groups of channels one after another (Minnen and Singh, ICIP 2020; uneven: He et al., CVPR 2022).

    .. code-block:: none

                side_params ───────────►────┐
                                            │ params
                     ┌────────────────┐     ▼
          y_hat of ──┤ channel_context├──►──┴──────►───┐
          the groups │     of group k │                │
          before     └────────────────┘           ┌────┴────┐ y_hat of
                                group k of y ──►──┤ codec k ├──► group k
                                                  └─────────┘

    Strings are those of the first group, then of the second, and so on; `"shape"` is a list of theirs.

    Args:
        latent_codec: `"y0"`, `"y1"`, ...: the codec of each group, given its parameters.
        channel_context: `"y1"`, `"y2"`, ...: for each group but the first, the network from the channels of
            all groups before to the context, which goes in front of the side information.
        groups: number of channels of each group.

    Raises:
        ConfigurationError: codecs or contexts are not those that the groups need.
    """

    def __init__(
        self,
        latent_codec: Mapping[str, LatentCodec],
        channel_context: Mapping[str, nn.Module],
        *,
        groups: Sequence[int],
    ) -> None:
        super().__init__()
        names = [f"y{index}" for index in range(len(groups))]
        if set(latent_codec) != set(names) or set(channel_context) != set(names[1:]):
            raise ConfigurationError(
                f"Expected latent codecs {names} and channel contexts {names[1:]} for {len(groups)} groups, "
                f"found {sorted(latent_codec)} and {sorted(channel_context)}."
            )
        self.groups = tuple(groups)
        self.latent_codec = nn.ModuleDict(latent_codec)
        self.channel_context = nn.ModuleDict(channel_context)

    def __getitem__(self, name: str) -> LatentCodec:
        """The inner codec `"y0"`, `"y1"`, ..."""
        return cast(LatentCodec, self.latent_codec[name])

    def forward(self, y: Tensor, side_params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Quantise `y` (N, C, H, W); `side_params` (N, K, H, W) is the side information."""
        known: list[Tensor] = []
        likelihoods = []
        for index, group in enumerate(self._split(y)):
            params = side_params
            if known:
                context = self.channel_context[f"y{index}"](torch.cat(known, dim=1))
                params = torch.cat((context, side_params), dim=1)
            coded = self[f"y{index}"](group, params)
            known.append(coded["y_hat"])
            likelihoods.append(coded["likelihoods"]["y"])
        return {"likelihoods": {"y": torch.cat(likelihoods, dim=1)}, "y_hat": torch.cat(known, dim=1)}

    def compress(self, y: Tensor, side_params: Tensor, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Code `y` (N, C, H, W), given side information (N, K, H, W)."""
        known: list[Tensor] = []
        strings: list[list[bytes]] = []
        shapes = []
        for index, group in enumerate(self._split(y)):
            coded = self[f"y{index}"].compress(group, self._params(index, known, side_params))
            known.append(coded["y_hat"])
            strings += coded["strings"]
            shapes.append(coded["shape"])
        return {"strings": strings, "shape": shapes, "y_hat": torch.cat(known, dim=1)}

    def decompress(
        self,
        strings: Sequence[Sequence[bytes]],
        shape: Sequence[Any],
        side_params: Tensor,
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Decode what `compress` made, given the same side information."""
        each, rest = divmod(len(checked_strings(strings)), len(self.groups))
        if rest or len(shape) != len(self.groups):
            raise BitstreamError(
                f"Expected strings and shapes of {len(self.groups)} groups, "
                f"found {len(strings)} and {len(shape)}."
            )
        known: list[Tensor] = []
        for index, own_shape in enumerate(shape):
            own_strings = strings[index * each : (index + 1) * each]
            params = self._params(index, known, side_params)
            known.append(self[f"y{index}"].decompress(own_strings, own_shape, params)["y_hat"])
        return {"y_hat": torch.cat(known, dim=1)}

    def _split(self, y: Tensor) -> Sequence[Tensor]:
        if y.shape[1] != sum(self.groups):
            raise ConfigurationError(f"Expected {sum(self.groups)} channels, found {y.shape[1]}.")
        return y.split(self.groups, dim=1)

    def _params(self, index: int, known: Sequence[Tensor], side_params: Tensor) -> Tensor:
        """What the codec of a group is told, so that encoder and decoder agree to the bit."""
        if index == 0:
            return side_params
        context = critical.evaluate(self.channel_context[f"y{index}"], torch.cat(tuple(known), dim=1))
        return torch.cat((context, side_params), dim=1)
