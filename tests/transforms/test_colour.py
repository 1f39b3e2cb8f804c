"""Colour spaces and chroma sampling."""

import pytest
import torch

from latentpress.errors import ConfigurationError
from latentpress.registry import TRANSFORMS
from latentpress.transforms import RGB2YCbCr, YCbCr2RGB, YUV420To444, YUV444To420
from latentpress.transforms.functional import (
    LUMA_WEIGHTS,
    rgb2ycbcr,
    ycbcr2rgb,
    yuv_420_to_444,
    yuv_444_to_420,
)

# Eight-bit full-range BT.709 triples computed by hand from the recommendation's luma weights.
BT709 = [
    ((1.0, 0.0, 0.0), (0.2126, 0.385428, 1.0)),
    ((0.0, 1.0, 0.0), (0.7152, 0.114572, 0.045847)),
    ((0.0, 0.0, 1.0), (0.0722, 1.0, 0.454153)),
    ((0.25, 0.5, 0.75), (0.4649, 0.653643, 0.363538)),
]


@pytest.mark.parametrize(("rgb", "expected"), BT709)
def test_rgb_becomes_the_ycbcr_of_bt_709(rgb: tuple[float, ...], expected: tuple[float, ...]) -> None:
    found = rgb2ycbcr(torch.tensor(rgb).view(3, 1, 1)).flatten()
    assert torch.allclose(found, torch.tensor(expected), atol=1e-6)


@pytest.mark.parametrize("matrix", LUMA_WEIGHTS)
def test_rgb_comes_back_from_ycbcr_in_every_matrix(matrix: str) -> None:
    rgb = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    assert torch.allclose(ycbcr2rgb(rgb2ycbcr(rgb, matrix), matrix), rgb, atol=1e-12)


def test_grey_has_no_colour_in_any_matrix() -> None:
    grey = torch.full((3, 2, 2), 0.3)
    for matrix in LUMA_WEIGHTS:
        assert torch.allclose(rgb2ycbcr(grey, matrix)[1:], torch.tensor(0.5), atol=1e-6)


def test_a_batch_is_converted_as_its_images_are() -> None:
    batch = torch.rand(2, 3, 4, 6)
    assert torch.equal(rgb2ycbcr(batch)[1], rgb2ycbcr(batch[1]))
    assert torch.equal(ycbcr2rgb(batch)[1], ycbcr2rgb(batch[1]))


def test_halved_chroma_is_the_mean_of_four_samples() -> None:
    x = torch.rand(2, 3, 4, 6)
    y, u, v = yuv_444_to_420(x)
    assert torch.equal(y, x[:, :1])
    for plane, full in ((u, x[:, 1:2]), (v, x[:, 2:])):
        assert plane.shape == (2, 1, 2, 3)
        assert torch.allclose(plane[0, 0, 1, 2], full[0, 0, 2:4, 4:6].mean())
    assert all(torch.equal(a, b) for a, b in zip((y, u, v), yuv_444_to_420(x.chunk(3, 1)), strict=True))


def test_nearest_chroma_repeats_samples_and_bilinear_lies_midway_between_luma() -> None:
    y, u = torch.zeros(1, 1, 2, 4), torch.tensor([[[[0.0, 1.0]]]])
    nearest = yuv_420_to_444((y, u, u), mode="nearest")
    assert nearest[0, 1].tolist() == [[0, 0, 1, 1]] * 2
    bilinear = yuv_420_to_444((y, u, u))
    assert bilinear[0, 1].tolist() == [[0, 0.25, 0.75, 1]] * 2


def test_chroma_comes_back_as_one_tensor_or_as_planes() -> None:
    planes = yuv_444_to_420(torch.rand(1, 3, 4, 4))
    joined = yuv_420_to_444(planes)
    assert torch.equal(torch.cat(yuv_420_to_444(planes, return_tuple=True), 1), joined)
    assert torch.equal(yuv_420_to_444(tuple(plane[0] for plane in planes)), joined[0])


def test_transforms_are_the_functions_and_are_registered_by_name() -> None:
    x = torch.rand(1, 3, 4, 4)
    assert torch.equal(RGB2YCbCr()(x), rgb2ycbcr(x))
    assert torch.equal(YCbCr2RGB()(x), ycbcr2rgb(x))
    assert torch.equal(
        YUV420To444(mode="nearest")(YUV444To420()(x)), yuv_420_to_444(yuv_444_to_420(x), "nearest")
    )
    for transform in (RGB2YCbCr, YCbCr2RGB, YUV420To444, YUV444To420):
        assert TRANSFORMS[transform.__name__] is transform


@pytest.mark.parametrize(
    "call",
    [
        lambda: rgb2ycbcr(torch.rand(4, 4, 4)),
        lambda: rgb2ycbcr(torch.ones(3, 4, 4, dtype=torch.uint8)),
        lambda: ycbcr2rgb(torch.rand(3, 4)),
        lambda: rgb2ycbcr(torch.rand(3, 4, 4), matrix="ntsc"),
        lambda: yuv_444_to_420(torch.rand(1, 3, 4, 5)),
        lambda: yuv_444_to_420(torch.rand(1, 3, 4, 4), mode="bicubic"),
        lambda: yuv_444_to_420((torch.rand(1, 1, 4, 4),) * 2),
        lambda: yuv_420_to_444((torch.rand(1, 1, 4, 4),) * 3),
        lambda: yuv_420_to_444(yuv_444_to_420(torch.rand(1, 3, 4, 4)), mode="cubic"),
    ],
)
def test_wrong_input_is_an_error_that_says_what_was_expected(call) -> None:
    with pytest.raises(ConfigurationError, match="Expected"):
        call()
