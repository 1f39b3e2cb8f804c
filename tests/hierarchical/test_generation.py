"""Sampling, interpolation, inpainting, curves and costs."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.errors import ConfigurationError, ImageError
from latentpress.models.hierarchical import (
    cost_by_part,
    infer_latents,
    inpaint,
    interpolate,
    sample,
    sample_given,
)
from latentpress.models.hierarchical.evaluation import lambdas_of, self_evaluate


def seed(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


@pytest.mark.parametrize("kind", ["qres", "lossless", "qarv", "bound"])
def test_samples_are_images_that_the_generator_decides(kind, request) -> None:
    model = request.getfixturevalue(kind)
    first = sample(model, 2, (64, 128), generator=seed(1))
    assert first.shape == (2, 3, 64, 128)
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    assert torch.equal(first, sample(model, 2, (64, 128), generator=seed(1)))
    assert not torch.equal(first, sample(model, 2, (64, 128), generator=seed(2)))
    likeliest = sample(model, 1, (64, 128), temperature=0.0, generator=seed(1))
    assert torch.equal(likeliest, sample(model, 1, (64, 128), temperature=0.0, generator=seed(2)))


@pytest.mark.parametrize("kind", ["qres", "qarv"])
def test_all_latents_of_an_image_give_its_reconstruction(kind, request, image) -> None:
    model = request.getfixturevalue(kind)
    x = image(2)
    latents = infer_latents(model, x)
    assert [z.shape[2:] for z in latents] == [
        (64 // block.stride, 128 // block.stride) for block in model.latent_blocks
    ]
    with torch.no_grad():
        assert torch.equal(sample_given(model, latents), model(x)["x_hat"])
    few = sample_given(model, latents[:1], generator=seed(0))
    assert not torch.equal(few, sample_given(model, latents[:1], generator=seed(1)))
    progressive = sample_given(model, latents[:2], temperature=0.0)
    assert torch.equal(progressive, model.decode(model.encode(x)[:2], (1, 2)))


def test_a_path_starts_and_ends_at_its_images(qres, image) -> None:
    a, b = image(seed=1), image(seed=2).flip(3)
    path = interpolate(qres, a, b, steps=4)
    with torch.no_grad():
        assert torch.allclose(path[:1], qres(a)["x_hat"], atol=1e-5)
        assert torch.allclose(path[-1:], qres(b)["x_hat"], atol=1e-5)
    assert not torch.equal(path[1], path[2])
    with pytest.raises(ImageError):
        interpolate(qres, a, image(2))
    with pytest.raises(ConfigurationError):
        interpolate(qres, a, b, steps=1)


def test_inpainting_looks_only_outside_the_mask(qarv, image) -> None:
    x = image(1, 64, 192)
    mask = torch.zeros(1, 1, 64, 192)
    mask[..., 64:128] = 1
    other = x.clone()
    other[..., 70:120] = 0.25
    painted = inpaint(qarv, x, mask, generator=seed(0))
    assert torch.equal(painted, inpaint(qarv, other, mask, generator=seed(0)))
    assert not torch.equal(painted, inpaint(qarv, x, mask, generator=seed(1)))
    nothing = torch.zeros(1, 1, 64, 192)
    with torch.no_grad():
        assert torch.equal(inpaint(qarv, x, nothing), qarv(x)["x_hat"])
    with pytest.raises(ImageError):
        inpaint(qarv, x, mask[..., :64])


def test_wrong_sizes_and_temperatures_are_refused(qres) -> None:
    for arguments in ((0, (64, 64)), (1, (60, 64)), (1, (0, 64))):
        with pytest.raises(ConfigurationError):
            sample(qres, *arguments)
    for temperature in (-1.0, math.nan, math.inf):
        with pytest.raises(ConfigurationError):
            sample(qres, 1, (64, 64), temperature=temperature)
    with pytest.raises(ConfigurationError):
        sample_given(qres, [])


def test_curves_cover_the_range_and_count_what_is_coded(qarv, qres, bound, lossless, tmp_path) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)).save(path)
    lmbs = lambdas_of(qarv, 3)
    assert lmbs[0] == 16
    assert lmbs[1] == pytest.approx(math.sqrt(16 * 2048))
    assert lmbs[2] == 2048
    computed = self_evaluate(qarv, [path, path], lmbs, progress=False)
    coded = self_evaluate(qarv, [path], lmbs, coded=True, progress=False)
    for one, other in zip(computed, coded, strict=True):
        assert one.lmb == other.lmb
        # A string is whole words of 32 bits; these images are small.
        assert other.bpp == pytest.approx(one.bpp, abs=0.1 * one.bpp + 3 * 32 * qarv.num_latents / (50 * 70))
        assert other.psnr == pytest.approx(one.psnr, abs=0.01)
    assert len(self_evaluate(qres, [path], progress=False)) == 1
    assert self_evaluate(bound, [path], [64.0], progress=False)[0].bpp > 0
    assert self_evaluate(lossless, [path], coded=True, progress=False)[0].psnr == math.inf
    with pytest.raises(ConfigurationError):
        self_evaluate(bound, [path], coded=True, progress=False)
    with pytest.raises(ConfigurationError):
        self_evaluate(qres, [], progress=False)
    with pytest.raises(ImageError):
        self_evaluate(qres, [tmp_path / "none.png"], progress=False)


@pytest.mark.parametrize("kind", ["qres", "lossless", "qarv", "bound"])
def test_costs_add_up(kind, request) -> None:
    model = request.getfixturevalue(kind)
    parts = cost_by_part(model, (64, 128))
    assert sum(part.parameters for part in parts) == sum(p.numel() for p in model.parameters())
    larger = cost_by_part(model, (128, 128))
    for one, other in zip(parts, larger, strict=True):
        assert one.flops <= other.flops <= 2 * one.flops
    assert not parts[0].run_by_decoder
    first = model.encoder.enc_blocks[0]  # patches of 4 x 4 pixels
    assert parts[0].flops > 2 * first.weight.numel() * (64 * 128) // 16
