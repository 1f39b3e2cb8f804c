"""What every compression model can do: build coder tables, load and save them, report the auxiliary loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.entropy_models.portable import log_spaced
from latentpress.errors import WeightsError
from latentpress.latent_codecs import LatentCodec
from latentpress.latent_codecs.batches import image_by_image
from latentpress.layers.convolutions import channels_innermost
from latentpress.models.utils import convert_state_dict
from latentpress.ops import keep_freed_memory

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["CompressionModel", "SimpleVAECompressionModel", "get_scale_table"]

SCALES_MIN = 0.11
SCALES_MAX = 256
SCALES_LEVELS = 64

Module = TypeVar("Module", bound=nn.Module)


def get_scale_table(
    min: float = SCALES_MIN,
    max: float = SCALES_MAX,
    levels: int = SCALES_LEVELS,
) -> Tensor:
    """`levels` standard deviations, spaced evenly in their logarithm from `min` to `max`; float32 (levels,).

    Example:
        >>> get_scale_table(1, 4, 3)
        tensor([1., 2., 4.])
    """
    return log_spaced(min, max, levels)


class CompressionModel(nn.Module):
    """Base of every compression model: a network with entropy models somewhere inside.

    A subclass defines `forward(x)`, and `compress(x)` and `decompress(strings, shape)` if it codes; what is
    here finds the entropy models among its submodules, however deep.

    Args:
        entropy_bottleneck_channels: if given, create `self.entropy_bottleneck` with that many channels.

    Attributes:
        downsampling_factor: the sides of an input image must be multiples of this many pixels.

    Example:
        >>> class Network(CompressionModel):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.analysis = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        ...         self.entropy_bottleneck = EntropyBottleneck(8)
        ...     def forward(self, x):
        ...         return self.entropy_bottleneck(self.analysis(x))
        >>> net = Network()
        >>> net.aux_loss().shape
        torch.Size([])
        >>> net.update()
        True
    """

    downsampling_factor: int

    def __init__(self, entropy_bottleneck_channels: int | None = None) -> None:
        super().__init__()
        if entropy_bottleneck_channels is not None:
            self.entropy_bottleneck = EntropyBottleneck(entropy_bottleneck_channels)

    def aux_loss(self) -> Tensor:
        """Sum of the auxiliary losses that train the quantiles of the entropy bottlenecks; a scalar.

        Minimise it with an optimiser of its own over the parameters whose names end in `.quantiles`.
        """
        losses = [module.loss() for module in self._submodules(EntropyBottleneck)]
        return torch.stack(losses).sum() if losses else torch.zeros(())

    def update(
        self,
        scale_table: Tensor | None = None,
        force: bool = False,
        update_quantiles: bool = False,
    ) -> bool:
        """Build the integer tables of the coder; needed once after training, before the first `compress`.

        Args:
            scale_table: standard deviations of the Gaussian tables, increasing; `get_scale_table()` if None.
            force: rebuild tables that exist.
            update_quantiles: first bring the quantiles of the bottlenecks to their targets by bisection, a
                quick and exact stand-in for training them on `aux_loss`.

        Returns:
            Whether any table changed.
        """
        table = get_scale_table() if scale_table is None else scale_table
        updated = [
            module.update(force=force, update_quantiles=update_quantiles)
            for module in self._submodules(EntropyBottleneck)
        ]
        updated += [
            module.update_scale_table(table, force=force) for module in self._submodules(GaussianConditional)
        ]
        return any(updated)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Load parameters, and coder tables of any size; older spellings of keys are understood.

        Arguments and result are those of `torch.nn.Module.load_state_dict`.

        Raises:
            WeightsError: keys are missing or unexpected, or shapes differ.
        """
        state_dict = convert_state_dict(state_dict, known=self.state_dict().keys())
        try:
            return super().load_state_dict(state_dict, strict=strict, assign=assign)
        except RuntimeError as error:
            raise WeightsError(" ".join(str(error).split())) from error

    def _as_cpus_like_it(self, x: Tensor) -> Tensor:
        """Images `x` (N, C, H, W), ready for a pass that is fast on CPUs; elsewhere, as they are."""
        if x.device.type != "cpu":
            return x
        if self.training and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            keep_freed_memory()
        return channels_innermost(self, x)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Any]) -> Self:
        """A new model with the sizes and values of `state_dict`.

        Raises:
            WeightsError: the state dict is of another architecture.
        """
        state_dict = convert_state_dict(state_dict)
        try:
            sizes = cls._sizes(state_dict)
        except KeyError as error:
            raise WeightsError(f"A state dict of {cls.__name__} has {error}; this one has not.") from error
        net = cls(**sizes)
        net.load_state_dict(state_dict)
        return net

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        """The constructor's arguments, read off the shapes of a state dict with present-day keys."""
        return {}

    def _submodules(self, kind: type[Module]) -> Iterator[Module]:
        return (module for module in self.modules() if isinstance(module, kind))


class SimpleVAECompressionModel(CompressionModel):
    """A model made of two transforms and a latent codec: `g_s(codec(g_a(x)))`.

    .. code-block:: none

                 ┌─────┐  y  ┌──────────────┐ y_hat ┌─────┐
           x ──►─┤ g_a ├──►──┤ latent_codec ├───►───┤ g_s ├──►── x_hat
                 └─────┘     └──────────────┘       └─────┘

    A subclass sets the three attributes in its constructor; training, coding and decoding are all here.

    Attributes:
        g_a: analysis transform, from images (N, 3, H, W) to latents.
        latent_codec: how the latent is quantised and coded.
        g_s: synthesis transform, from quantised latents to images.

    Example:
        >>> from latentpress.latent_codecs import EntropyBottleneckLatentCodec
        >>> class Network(SimpleVAECompressionModel):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.g_a = nn.Conv2d(3, 8, 5, stride=2, padding=2)
        ...         self.latent_codec = EntropyBottleneckLatentCodec(channels=8)
        ...         self.g_s = nn.ConvTranspose2d(8, 3, 5, stride=2, padding=2, output_padding=1)
        >>> net = Network().eval()
        >>> net.update()
        True
        >>> coded = net.compress(torch.rand(1, 3, 16, 32))
        >>> net.decompress(coded["strings"], coded["shape"])["x_hat"].shape
        torch.Size([1, 3, 16, 32])
    """

    g_a: nn.Module
    g_s: nn.Module
    latent_codec: LatentCodec

    def make_latent_codec(self, **options: Any) -> LatentCodec:
        """The codec of the latent; a subclass whose parts are attributes of its own puts them together here.

        It is called for every pass, so a part that was replaced on the model is used from then on.

        Args:
            **options: what a caller of `compress` or `decompress` chose, where the model leaves a choice.
        """
        return self.latent_codec

    def forward(self, x: Tensor) -> dict[str, Any]:
        """Reconstruct `x` (N, 3, H, W), differentiably in training mode.

        Returns:
            `"x_hat"` (N, 3, H, W), not clamped, and `"likelihoods"`, a dictionary of tensors by latent, whose
            negative logarithms to base 2 add up to the number of bits.
        """
        coded = self.make_latent_codec()(self.g_a(self._as_cpus_like_it(x)))
        return {"x_hat": self.g_s(coded["y_hat"]).contiguous(), "likelihoods": coded["likelihoods"]}

    def analyse(self, x: Tensor) -> Tensor:
        """The latents of images `x` (N, 3, H, W) in [0, 1], each computed by itself."""
        with torch.inference_mode():
            y = image_by_image(self.g_a, x)
        return y.clone()  # outside inference mode, so that the result is a tensor like any other

    def compress_latent(self, y: Tensor, **options: Any) -> dict[str, Any]:
        """Code what `analyse` gave; arguments and result are otherwise those of `compress`."""
        with torch.inference_mode():
            coded = self.make_latent_codec(**options).compress(y)
        return {"strings": coded["strings"], "shape": coded["shape"]}

    def compress(self, x: Tensor, **options: Any) -> dict[str, Any]:
        """Code images `x` (N, 3, H, W) in [0, 1], each by itself: its bytes do not depend on the batch.

        On CPUs, models of half precision (float16, bfloat16) compute in float32, and round what each network
        gives to their own type.

        Returns:
            `"strings"`, for each latent a list of one `bytes` per image, and `"shape"`, what `decompress`
            needs beside them.

        Raises:
            ConfigurationError: there are no coder tables yet, or the sides of the images do not fit.
        """
        return self.compress_latent(self.analyse(x), **options)

    def synthesise(self, y_hat: Tensor) -> Tensor:
        """Images of quantised latents (N, M, H, W), as `decompress` gives them but for clamping."""
        return image_by_image(self.g_s, y_hat)

    def decompress(self, strings: Sequence[Sequence[bytes]], shape: Any, **options: Any) -> dict[str, Any]:
        """Decode what `compress` made with the same options.

        On one machine and number of threads, images are the same to the bit in any batch. On CPUs, models of
        half precision compute in float32, as in `compress`.

        Returns:
            `"x_hat"` (N, 3, H, W), clamped to [0, 1].

        Raises:
            BitstreamError: the strings are truncated or damaged.
        """
        with torch.inference_mode():
            y_hat = self.make_latent_codec(**options).decompress(strings, shape)["y_hat"]
            x_hat = self.synthesise(y_hat)
        # Clamped outside inference mode, for the same reason as above.
        return {"x_hat": x_hat.clamp(0, 1).contiguous()}
