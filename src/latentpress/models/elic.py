"""ELIC of He et al., "ELIC: Efficient learned image compression with unevenly grouped space-channel
contextual adaptive coding" (CVPR 2022)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck
from latentpress.errors import ConfigurationError
from latentpress.latent_codecs import (
    ChannelGroupsLatentCodec,
    CheckerboardLatentCodec,
    GaussianConditionalLatentCodec,
    HyperLatentCodec,
    HyperpriorLatentCodec,
)
from latentpress.layers import AttentionBlock, CheckerboardMaskedConv2d, ResidualBottleneckBlock
from latentpress.models.hyperprior import HyperpriorModel
from latentpress.models.utils import conv, deconv
from latentpress.registry import register_model

__all__ = ["Elic2022Official"]

FIRST_GROUPS = (16, 16, 32, 64)
"""Channels of the groups but the last, which has the rest (section 4.1)."""

NARROWEST = 384
"""Fewest channels of a hidden layer of the entropy parameters."""


@register_model("elic2022-official")
class Elic2022Official(HyperpriorModel):
    """Uneven groups of channels, coded one after another, each in two checkerboard passes.

    The first groups are small, since early channels hold most of the information and are worth a context of
    their own. Strings are, for each group, those of the anchors and of the other positions, and last that of
    z; `"shape"` is the height and width of z. Latents are rounded straight through in training, and scored
    with noise (Minnen and Singh, ICIP 2020).

    Args:
        N: channels inside the transforms, and of z.
        M: channels of the latent y.
        groups: channels of each group, M together; by default 16, 16, 32, 64 and the rest.

    Raises:
        ConfigurationError: the groups do not add up to M.

    Example:
        >>> import torch
        >>> net = Elic2022Official(N=8, M=12, groups=[4, 8]).eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 64, 128))
        >>> net.decompress(**coded)["x_hat"].shape
        torch.Size([1, 3, 64, 128])
    """

    def __init__(
        self, N: int = 192, M: int = 320, groups: Sequence[int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        groups = tuple(groups or (*FIRST_GROUPS, M - sum(FIRST_GROUPS)))
        if sum(groups) != M or min(groups) < 1:
            raise ConfigurationError(
                f"Expected groups of at least one channel, {M} together, found {groups}."
            )
        self.N = N
        self.M = M
        self.groups = groups
        self.g_a = nn.Sequential(
            conv(3, N),
            *_bottlenecks(N),
            conv(N, N),
            *_bottlenecks(N),
            AttentionBlock(N),
            conv(N, N),
            *_bottlenecks(N),
            conv(N, M),
            AttentionBlock(M),
        )
        self.g_s = nn.Sequential(
            AttentionBlock(M),
            deconv(M, N),
            *_bottlenecks(N),
            deconv(N, N),
            AttentionBlock(N),
            *_bottlenecks(N),
            deconv(N, N),
            *_bottlenecks(N),
            deconv(N, 3),
        )
        h_a = nn.Sequential(
            conv(M, N, kernel_size=3, stride=1),
            nn.ReLU(inplace=True),
            conv(N, N),
            nn.ReLU(inplace=True),
            conv(N, N),
        )
        h_s = nn.Sequential(
            deconv(N, N),
            nn.ReLU(inplace=True),
            deconv(N, N * 3 // 2),
            nn.ReLU(inplace=True),
            deconv(N * 3 // 2, N * 2, kernel_size=3, stride=1),
        )
        self.latent_codec = HyperpriorLatentCodec(
            {
                "y": ChannelGroupsLatentCodec(
                    {f"y{index}": self._group_codec(index) for index in range(len(groups))},
                    {f"y{index}": self._channel_context(index) for index in range(1, len(groups))},
                    groups=groups,
                ),
                "hyper": HyperLatentCodec(EntropyBottleneck(N), h_a=h_a, h_s=h_s, quantizer="ste"),
            }
        )

    def _channel_context(self, index: int) -> nn.Module:
        """From the groups before to the context of group `index` (figure 4 of the paper)."""
        return nn.Sequential(
            conv(sum(self.groups[:index]), 224, stride=1),
            nn.ReLU(inplace=True),
            conv(224, 128, stride=1),
            nn.ReLU(inplace=True),
            conv(128, 2 * self.groups[index], stride=1),
        )

    def _group_codec(self, index: int) -> CheckerboardLatentCodec:
        """The codec of group `index`, told its own context, that of the channels before, and of z."""
        channels = self.groups[index]
        contexts = 2 if index else 1
        return CheckerboardLatentCodec(
            {"y": GaussianConditionalLatentCodec(quantizer="ste")},
            entropy_parameters=_parameter_network(2 * channels * contexts + 2 * self.N, 2 * channels),
            context_prediction=CheckerboardMaskedConv2d(channels, 2 * channels, kernel_size=5, padding=2),
        )

    def _y_shape(self, z_shape: Sequence[int]) -> Any:
        height, width = z_shape
        return [(channels, 4 * height, 4 * width) for channels in self.groups]

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        prefix, suffix = "latent_codec.y.latent_codec.y", ".context_prediction.weight"
        groups = {
            int(key.removeprefix(prefix).removesuffix(suffix)): weight.size(1)
            for key, weight in state_dict.items()
            if key.startswith(prefix) and key.endswith(suffix)
        }
        return {
            "N": state_dict["g_a.0.weight"].size(0),
            "M": state_dict["g_a.13.weight"].size(0),
            "groups": [groups[index] for index in range(len(groups))],
        }


def _bottlenecks(N: int) -> list[ResidualBottleneckBlock]:
    return [ResidualBottleneckBlock(N, N) for _ in range(3)]


def _parameter_network(in_ch: int, out_ch: int) -> nn.Sequential:
    """Three 1x1 convolutions that narrow evenly from `in_ch` to `out_ch`, inside at least `NARROWEST`."""
    first, second = (max(NARROWEST, in_ch + (out_ch - in_ch) * step // 3) for step in (1, 2))
    return nn.Sequential(
        nn.Conv2d(in_ch, first, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, second, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(second, out_ch, 1),
    )
