"""What a hierarchy can do with latents besides coding: sample, continue, interpolate and inpaint images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from latentpress.errors import ConfigurationError, ImageError
from latentpress.models.hierarchical.hierarchy import HierarchicalVAE
from latentpress.models.hierarchical.sources import FirstThen, Given, Keeping, LatentSource, Masked, Sampling


def _run(
    model: HierarchicalVAE, source: LatentSource, batch: int, grid: Sequence[int], lmb: float | None
) -> Tensor:
    emb = model.embed(model.resolve_lmb(lmb, batch))
    output = model.top_down(source, batch, grid, emb)
    assert output is not None
    return model.to_pixels(output)


@torch.inference_mode()
def sample(
    model: HierarchicalVAE,
    batch: int,
    size: tuple[int, int],
    lmb: float | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Unconditional samples (batch, 3, height, width) in [0, 1].

    Args:
        model: any hierarchy.
        batch: how many.
        size: height and width in pixels, multiples of the model's `downsampling_factor`.
        lmb: lambda of a variable-rate model, its default where None.
        temperature: factor on the prior's scales; 0 gives the most likely image, less than 1 a typical one.
        generator: source of randomness.
    """
    factor = model.downsampling_factor
    if batch < 1 or any(side < 1 or side % factor for side in size):
        raise ConfigurationError(
            f"Expected a batch of at least 1 and sides that are multiples of {factor}, "
            f"found {batch} and {size}."
        )
    _check_temperature(temperature)
    return _run(model, Sampling(temperature, generator), batch, (size[0] // factor, size[1] // factor), lmb)


@torch.inference_mode()
def infer_latents(model: HierarchicalVAE, x: Tensor, lmb: float | None = None) -> list[Tensor]:
    """Latents of images `x` (N, 3, H, W) in [0, 1], coarse to fine, (N, zdim, H / stride, W / stride)."""
    model.check_image(x)
    emb = model.embed(model.resolve_lmb(lmb, x.shape[0]))
    kept = Keeping(model.posterior(model.bottom_up(x, emb)))
    model.top_down(kept, x.shape[0], model.grid_of(x), emb)
    return kept.latents


@torch.inference_mode()
def sample_given(
    model: HierarchicalVAE,
    latents: Sequence[Tensor],
    lmb: float | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Images (N, 3, H, W) that share the given coarsest latents; finer ones are sampled.

    Args:
        model: any hierarchy.
        latents: the first of `infer_latents`, at least one.
        lmb: lambda that they were inferred with.
        temperature, generator: of the other latents; at temperature 0 this is progressive decoding.
    """
    if not 0 < len(latents) <= model.num_latents:
        raise ConfigurationError(f"Expected 1 to {model.num_latents} latents, found {len(latents)}.")
    _check_temperature(temperature)
    batch, _, rows, columns = latents[0].shape
    source = FirstThen(Given(latents), len(latents), Sampling(temperature, generator))
    return _run(model, source, batch, (rows, columns), lmb)


@torch.inference_mode()
def interpolate(
    model: HierarchicalVAE, first: Tensor, second: Tensor, steps: int = 5, lmb: float | None = None
) -> Tensor:
    """A path (steps, 3, H, W) from one image to another, both (1, 3, H, W), straight in every latent.

    Its ends are the two images as the model reconstructs them.
    """
    if first.shape != second.shape or first.shape[0] != 1:
        raise ImageError(
            f"Expected two images of the same shape (1, 3, H, W), found {tuple(first.shape)} "
            f"and {tuple(second.shape)}."
        )
    if steps < 2:
        raise ConfigurationError(f"A path takes at least 2 steps, not {steps}.")
    pairs = zip(infer_latents(model, first, lmb), infer_latents(model, second, lmb), strict=True)
    weights = torch.linspace(0.0, 1.0, steps, dtype=torch.float32, device=first.device).to(first)[
        :, None, None, None
    ]
    path = [torch.lerp(a.expand(steps, -1, -1, -1), b.expand(steps, -1, -1, -1), weights) for a, b in pairs]
    return sample_given(model, path, lmb, temperature=0.0)


@torch.inference_mode()
def inpaint(
    model: HierarchicalVAE,
    x: Tensor,
    mask: Tensor,
    lmb: float | None = None,
    temperature: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Images with a region made up by the model: latents under the mask are sampled, the others kept.

    Args:
        model: any hierarchy.
        x: images (N, 3, H, W) in [0, 1]; what is under the mask is not looked at.
        mask: (N or 1, 1, H, W), 1 where the image is to be made up and 0 elsewhere.
        lmb: lambda of a variable-rate model.
        temperature, generator: of the samples.

    Returns:
        (N, 3, H, W) in [0, 1], all of it as the model reconstructs it.
    """
    model.check_image(x)
    _check_temperature(temperature)
    if (
        mask.ndim != 4
        or mask.shape[1] != 1
        or mask.shape[2:] != x.shape[2:]
        or mask.shape[0] not in (1, len(x))
    ):
        raise ImageError(
            f"Expected a mask (N or 1, 1, H, W) for images {tuple(x.shape)}, found {tuple(mask.shape)}."
        )
    hidden = (mask > 0).to(x)
    emb = model.embed(model.resolve_lmb(lmb, x.shape[0]))
    outside = model.posterior(model.bottom_up(_fill(x, hidden), emb))
    source = Masked(hidden, Sampling(temperature, generator), outside)
    return _run(model, source, x.shape[0], model.grid_of(x), lmb)


def _fill(x: Tensor, hidden: Tensor) -> Tensor:
    """`x` with the mean colour of the visible part where it is hidden, so that the encoder sees no edge."""
    visible = 1.0 - hidden
    mean = (x * visible).sum(dim=(2, 3), keepdim=True) / visible.sum(dim=(2, 3), keepdim=True).clamp_min(1.0)
    return x * visible + mean * hidden


def _check_temperature(temperature: float) -> None:
    if not 0.0 <= temperature < float("inf"):
        raise ConfigurationError(f"A temperature must be at least 0 and finite, not {temperature}.")
