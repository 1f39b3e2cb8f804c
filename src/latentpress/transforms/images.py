"""Random and fixed cuts of pictures: what turns photographs of any size into batches.

Every transform here takes a PIL image, an array `(H, W, C)` or a tensor `(..., C, H, W)` and gives the same
kind back. They draw from the global generator of torch, so seeding torch seeds them, also in a DataLoader's
workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from latentpress.errors import ConfigurationError, ImageError
from latentpress.registry import register_transform

Picture = TypeVar("Picture", Image.Image, np.ndarray, Tensor)

_PADDING_MODES = ("constant", "edge", "reflect")


@register_transform("Compose")
class Compose:
    """One transform after the other.

    Example:
        >>> from PIL import Image
        >>> from latentpress.transforms import CenterCrop, Compose, ToTensor
        >>> tuple(Compose([CenterCrop(16), ToTensor()])(Image.new("RGB", (40, 30))).shape)
        (3, 16, 16)
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, x: Any) -> Any:
        for transform in self.transforms:
            x = transform(x)
        return x

    def __repr__(self) -> str:
        return f"Compose({self.transforms!r})"


@register_transform("ToTensor")
class ToTensor:
    """A PIL image, or an array `(H, W)` or `(H, W, C)`, as a float32 tensor `(C, H, W)`.

    Eight-bit samples are divided by 255; arrays of floating point keep their values.
    """

    def __call__(self, picture: Image.Image | np.ndarray) -> Tensor:
        pixels = np.array(picture)  # a copy, because what PIL lends cannot be written to
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        if pixels.ndim != 3 or not (pixels.dtype == np.uint8 or np.issubdtype(pixels.dtype, np.floating)):
            raise ImageError(
                f"Expected an image of eight bits a sample or an array (H, W, C) of uint8 or floats, "
                f"found {pixels.dtype} of shape {pixels.shape}."
            )
        x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return x.float().div_(255) if pixels.dtype == np.uint8 else x.float()

    def __repr__(self) -> str:
        return "ToTensor()"


@register_transform("RandomCrop")
class RandomCrop:
    """A cut of the given size at a random place.

    Args:
        size: of the cut: height and width, or one number for both.
        pad_if_needed: pad a picture that is too small, evenly on both sides, instead of refusing it.
        padding_mode: what to pad with: "reflect", "edge" or "constant" (black).

    Raises:
        ImageError: the picture is too small and is not to be padded.
    """

    def __init__(
        self, size: int | tuple[int, int], pad_if_needed: bool = False, padding_mode: str = "reflect"
    ) -> None:
        self.size, self.pad_if_needed, self.padding_mode = _pair(size), pad_if_needed, padding_mode
        _check_padding(padding_mode)

    def __call__(self, picture: Picture) -> Picture:
        if self.pad_if_needed:
            picture = _padded(picture, self.size, self.padding_mode)
        height, width = _size(picture)
        if height < self.size[0] or width < self.size[1]:
            raise ImageError(
                f"Expected a picture of at least {self.size[0]}x{self.size[1]} pixels (height x width), "
                f"found {height}x{width}: crop less, or pass pad_if_needed=True."
            )
        top, left = _below(height - self.size[0] + 1), _below(width - self.size[1] + 1)
        return _cut(picture, top, left, *self.size)

    def __repr__(self) -> str:
        return (
            f"RandomCrop({self.size}, pad_if_needed={self.pad_if_needed}, padding_mode={self.padding_mode!r})"
        )


@register_transform("CenterCrop")
class CenterCrop:
    """A cut of the given size from the middle; smaller pictures are padded evenly.

    Args:
        size: of the cut: height and width, or one number for both.
        padding_mode: what to pad with: "constant" (black), "reflect" or "edge".
    """

    def __init__(self, size: int | tuple[int, int], padding_mode: str = "constant") -> None:
        self.size, self.padding_mode = _pair(size), padding_mode
        _check_padding(padding_mode)

    def __call__(self, picture: Picture) -> Picture:
        picture = _padded(picture, self.size, self.padding_mode)
        height, width = _size(picture)
        return _cut(picture, (height - self.size[0]) // 2, (width - self.size[1]) // 2, *self.size)

    def __repr__(self) -> str:
        return f"CenterCrop({self.size}, padding_mode={self.padding_mode!r})"


@register_transform("RandomHorizontalFlip")
class RandomHorizontalFlip:
    """The mirror image, with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = _probability(p)

    def __call__(self, picture: Picture) -> Picture:
        return _flipped(picture, horizontally=True) if torch.rand(()).item() < self.p else picture

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


@register_transform("RandomVerticalFlip")
class RandomVerticalFlip:
    """The picture upside down, with probability `p`."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = _probability(p)

    def __call__(self, picture: Picture) -> Picture:
        return _flipped(picture, horizontally=False) if torch.rand(()).item() < self.p else picture

    def __repr__(self) -> str:
        return f"RandomVerticalFlip(p={self.p})"


@register_transform("RandomScaledCrop")
class RandomScaledCrop:
    """A cut of the given size from the picture scaled by a random factor, at a random place.

    Scaling photographs down hides the artefacts of the compression they were stored with. Only the pixels of
    the cut are resampled, which is cheaper than scaling and then cropping.

    Args:
        size: of the cut: height and width, or one number for both.
        scales: range of the factor. Where the picture is too small for a factor, the smallest possible one
            is taken instead, even if that enlarges it.
    """

    def __init__(self, size: int | tuple[int, int], scales: tuple[float, float] = (0.5, 1.0)) -> None:
        self.size, self.scales = _pair(size), scales
        if not 0 < scales[0] <= scales[1]:
            raise ConfigurationError(f"Expected positive scales, the smaller one first, found {scales}.")

    def __call__(self, picture: Picture) -> Picture:
        height, width = _size(picture)
        lowest = max(self.scales[0], self.size[0] / height, self.size[1] / width)
        scale = lowest + (max(lowest, self.scales[1]) - lowest) * torch.rand(()).item()
        tall = min(height, round(self.size[0] / scale))
        wide = min(width, round(self.size[1] / scale))
        top, left = _below(height - tall + 1), _below(width - wide + 1)
        return _resized_cut(picture, (top, left, tall, wide), self.size)

    def __repr__(self) -> str:
        return f"RandomScaledCrop({self.size}, scales={self.scales})"


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ConfigurationError(f"Expected a size of at least one pixel to crop to, found {size}.")
    return height, width


def _probability(p: float) -> float:
    if not 0 <= p <= 1:
        raise ConfigurationError(f"Expected a probability from 0 to 1, found {p}.")
    return p


def _check_padding(mode: str) -> None:
    if mode not in _PADDING_MODES:
        raise ConfigurationError(f"Expected a padding mode of {', '.join(_PADDING_MODES)}, found {mode!r}.")


def _below(limit: int) -> int:
    return int(torch.randint(limit, ()).item())


def _size(picture: Image.Image | np.ndarray | Tensor) -> tuple[int, int]:
    """Height and width."""
    if isinstance(picture, Image.Image):
        return picture.height, picture.width
    if isinstance(picture, Tensor) and picture.dim() >= 2:
        return picture.shape[-2], picture.shape[-1]
    if isinstance(picture, np.ndarray) and picture.ndim in (2, 3):
        return picture.shape[0], picture.shape[1]
    raise ConfigurationError(
        f"Expected an image of PIL, an array (H, W, C) or a tensor (C, H, W), found {type(picture).__name__}."
    )


def _cut(picture: Picture, top: int, left: int, height: int, width: int) -> Picture:
    if isinstance(picture, Image.Image):
        return picture.crop((left, top, left + width, top + height))
    if isinstance(picture, Tensor):
        return picture[..., top : top + height, left : left + width]
    return picture[top : top + height, left : left + width]


def _flipped(picture: Picture, *, horizontally: bool) -> Picture:
    if isinstance(picture, Image.Image):
        way = Image.Transpose.FLIP_LEFT_RIGHT if horizontally else Image.Transpose.FLIP_TOP_BOTTOM
        return picture.transpose(way)
    if isinstance(picture, Tensor):
        return picture.flip(-1 if horizontally else -2)
    return np.flip(picture, 1 if horizontally else 0)


def _padded(picture: Picture, size: tuple[int, int], mode: str) -> Picture:
    """The picture, at least of this size."""
    height, width = _size(picture)
    tall, wide = max(size[0] - height, 0), max(size[1] - width, 0)
    if not (tall or wide):
        return picture
    rows, columns = (tall // 2, tall - tall // 2), (wide // 2, wide - wide // 2)
    if isinstance(picture, Tensor):
        return _padded_tensor(picture, rows, columns, mode)
    pixels = np.asarray(picture)
    numpy_mode: Any = mode
    wider = np.pad(pixels, (rows, columns, (0, 0))[: pixels.ndim], mode=numpy_mode)
    return Image.fromarray(wider) if isinstance(picture, Image.Image) else wider


def _padded_tensor(x: Tensor, rows: tuple[int, int], columns: tuple[int, int], mode: str) -> Tensor:
    # Padding indices rather than samples works for every type, and for reflections of any length.
    for dim, (before, after) in ((-2, rows), (-1, columns)):
        numpy_mode: Any = mode
        if mode == "constant":
            x = F.pad(x, (0, 0, before, after) if dim == -2 else (before, after))
        else:
            places = np.pad(np.arange(x.shape[dim]), (before, after), mode=numpy_mode)
            x = x.index_select(dim, torch.from_numpy(places).to(x.device))
    return x


def _resized_cut(picture: Picture, box: tuple[int, int, int, int], size: tuple[int, int]) -> Picture:
    top, left, height, width = box
    if isinstance(picture, Image.Image):
        corners = (left, top, left + width, top + height)
        return picture.resize((size[1], size[0]), Image.Resampling.LANCZOS, box=corners)
    if isinstance(picture, Tensor):
        return _resized_tensor(_cut(picture, *box), size)
    planes = torch.from_numpy(np.ascontiguousarray(_cut(picture, *box).transpose(2, 0, 1)))
    return _resized_tensor(planes, size).permute(1, 2, 0).numpy()


def _resized_tensor(x: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(x.shape[-2:]) == size:
        return x
    batch = x.reshape(1, -1, *x.shape[-2:]).float()
    resized = F.interpolate(batch, size=size, mode="bicubic", antialias=True, align_corners=False)
    resized = resized.reshape(*x.shape[:-2], *size)
    return resized.to(x.dtype) if x.is_floating_point() else resized.round().clamp(0, 255).to(x.dtype)
