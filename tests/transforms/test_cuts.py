"""Cuts and flips of PIL images, arrays and tensors."""

from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from latentpress.errors import ConfigurationError, ImageError
from latentpress.transforms import (
    CenterCrop,
    Compose,
    RandomCrop,
    RandomHorizontalFlip,
    RandomScaledCrop,
    RandomVerticalFlip,
    ToTensor,
)

KINDS = ("pil", "array", "tensor")


def picture(kind: str, height: int = 6, width: int = 8):
    """Red counts rows, green counts columns."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    pixels = np.stack((rows, columns, np.full_like(rows, 9)), axis=-1).astype(np.uint8)
    return {
        "pil": lambda: Image.fromarray(pixels),
        "array": lambda: pixels,
        "tensor": lambda: torch.from_numpy(pixels).permute(2, 0, 1),
    }[kind]()


def samples(x) -> np.ndarray:
    """`(H, W, 3)`, whatever the kind."""
    return x.permute(1, 2, 0).numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_random_crop_is_cut_out_pixel_for_pixel_anywhere_it_fits(kind: str) -> None:
    corners = Counter()
    for _ in range(200):
        cut = samples(RandomCrop((4, 7))(picture(kind)))
        assert cut.shape == (4, 7, 3)
        top, left = cut[0, 0, :2]
        assert np.array_equal(cut, samples(picture(kind))[top : top + 4, left : left + 7])
        corners[int(top), int(left)] += 1
    assert set(corners) == {(top, left) for top in range(3) for left in range(2)}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_pictures_are_treated_alike_under_one_seed(kind: str) -> None:
    transform = Compose([RandomCrop(5), RandomHorizontalFlip(), RandomVerticalFlip()])
    for seed in range(5):
        torch.manual_seed(seed)
        found = samples(transform(picture(kind)))
        torch.manual_seed(seed)
        assert np.array_equal(found, samples(transform(picture("array"))))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_padding_puts_the_picture_in_the_middle(kind: str, mode: str) -> None:
    padded = samples(RandomCrop((20, 8), pad_if_needed=True, padding_mode=mode)(picture(kind)))
    expected = np.pad(samples(picture(kind)), ((7, 7), (0, 0), (0, 0)), mode=mode)
    assert np.array_equal(padded, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_too_small_to_crop_is_an_error_that_names_the_remedy(kind: str) -> None:
    with pytest.raises(ImageError, match="pad_if_needed"):
        RandomCrop(7)(picture(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_centre_crop_is_the_middle_and_pads_with_black(kind: str) -> None:
    whole = samples(picture(kind))
    assert np.array_equal(samples(CenterCrop(4)(picture(kind))), whole[1:5, 2:6])
    larger = samples(CenterCrop((8, 4))(picture(kind)))
    assert np.array_equal(larger[1:7], whole[:, 2:6])
    assert not larger[[0, 7]].any()


@pytest.mark.parametrize("kind", KINDS)
def test_flips_mirror_always_never_or_half_of_the_time(kind: str) -> None:
    whole = samples(picture(kind))
    assert np.array_equal(samples(RandomHorizontalFlip(1.0)(picture(kind))), whole[:, ::-1])
    assert np.array_equal(samples(RandomVerticalFlip(1.0)(picture(kind))), whole[::-1])
    assert np.array_equal(samples(RandomHorizontalFlip(0.0)(picture(kind))), whole)
    flipped = sum(samples(RandomHorizontalFlip()(picture(kind)))[0, 0, 1] != 0 for _ in range(200))
    assert 60 < flipped < 140


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaled_crop_has_its_size_and_shows_between_scale_one_and_the_lowest(kind: str) -> None:
    ramp = picture(kind, 64, 96)
    spans = []
    for _ in range(20):
        cut = samples(RandomScaledCrop(16, (0.5, 1.0))(ramp)).astype(int)
        assert cut.shape == (16, 16, 3)
        spans.append(cut[8, 15, 1] - cut[8, 0, 1])  # columns of the original from edge to edge
    assert 14 <= min(spans) < 22
    assert 26 < max(spans) <= 31


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaled_crop_at_scale_one_does_not_resample(kind: str) -> None:
    cut = samples(RandomScaledCrop(4, (1.0, 1.0))(picture(kind)))
    top, left = cut[0, 0, :2]
    assert np.array_equal(cut, samples(picture(kind))[top : top + 4, left : left + 4])


def test_a_scaled_crop_enlarges_a_picture_that_is_too_small() -> None:
    assert RandomScaledCrop(32)(picture("pil")).size == (32, 32)


def test_images_and_arrays_become_tensors_in_zero_to_one() -> None:
    x = ToTensor()(Image.fromarray(np.array([[[0, 51, 255]]], np.uint8)))
    assert x.dtype == torch.float32
    assert torch.allclose(x.flatten(), torch.tensor([0.0, 0.2, 1.0]))
    assert ToTensor()(Image.new("L", (3, 2))).shape == (1, 2, 3)
    assert ToTensor()(np.zeros((2, 3, 9), np.uint8)).shape == (9, 2, 3)
    assert ToTensor()(np.full((2, 3, 1), 0.25)).max() == 0.25


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: ToTensor()(np.zeros((2, 2), np.uint16)), ImageError),
        (lambda: RandomCrop(0), ConfigurationError),
        (lambda: CenterCrop(4, padding_mode="wrap"), ConfigurationError),
        (lambda: RandomHorizontalFlip(1.5), ConfigurationError),
        (lambda: RandomScaledCrop(4, (1.0, 0.5)), ConfigurationError),
        (lambda: RandomCrop(2)([[1, 2], [3, 4]]), ConfigurationError),
    ],
)
def test_wrong_input_is_an_error_that_says_what_was_expected(call, error) -> None:
    with pytest.raises(error, match="Expected"):
        call()
