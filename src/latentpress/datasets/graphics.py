"""Pictures that are no photographs, drawn by code: text, charts, screenshots, flat colours, noise, pixel art.

For training codecs that must not break on them, and for testing that they do not. Nothing is read from disk:
a kind, a size and a seed give the same picture wherever the same Pillow draws it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.utils.data import Dataset

from latentpress.errors import ConfigurationError
from latentpress.registry import register_dataset

__all__ = ["KINDS", "DrawnCrops", "WithDrawings", "draw"]

Random = np.random.Generator
Size = tuple[int, int]  # width and height, as Pillow has them
Colour = tuple[int, int, int]
Drawing = Callable[[Random, Size], Image.Image]

PRIMARIES: list[Colour] = [
    (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0),
    (255, 255, 255), (255, 255, 0), (0, 255, 255), (255, 0, 255),
]  # fmt: skip
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
KINDS: dict[str, Drawing] = {}
"""What can be drawn, by name."""


def draw(kind: str, width: int = 256, height: int = 256, seed: int = 0) -> Image.Image:
    """Draw an RGB picture.

    Args:
        kind: one of `KINDS`.
        width: in pixels.
        height: in pixels.
        seed: of everything random about it.

    Raises:
        ConfigurationError: there is no such kind, or the picture would have no pixels.

    Example:
        >>> len(draw("quarters", 64, 48).getcolors())
        4
    """
    if kind not in KINDS:
        raise ConfigurationError(f"Expected a kind of drawing ({', '.join(KINDS)}), found {kind!r}.")
    if min(width, height) < 1:
        raise ConfigurationError(f"Expected at least one pixel a side, found {width}x{height}.")
    return KINDS[kind](np.random.default_rng(seed), (width, height)).convert("RGB")


@register_dataset("DrawnCrops")
class DrawnCrops(Dataset[Tensor]):
    """One drawing of each kind, a new one each time that it is asked for: (3, patch_size, patch_size) uint8.

    Random choices are drawn from torch's global generator.

    Args:
        patch_size: side of the pictures, in pixels.

    Example:
        >>> crops = DrawnCrops(64)
        >>> len(crops) == len(KINDS), crops[0].shape
        (True, torch.Size([3, 64, 64]))
    """

    def __init__(self, patch_size: int = 256) -> None:
        self.patch_size = patch_size

    def __len__(self) -> int:
        return len(KINDS)

    def __getitem__(self, index: int) -> Tensor:
        """A drawing of kind number `index`."""
        seed = int(torch.randint(2**31, ()))
        pixels = np.array(draw(list(KINDS)[index], self.patch_size, self.patch_size, seed))
        return torch.from_numpy(pixels).permute(2, 0, 1)


class WithDrawings(Dataset[Tensor]):
    """The items of a data set, and drawings among them.

    Args:
        dataset: of images (3, patch_size, patch_size), uint8 as the drawings; if it has `weights`, they are
            kept among its items.
        patch_size: side of the drawings, in pixels.
        share: of the drawings among all items that are drawn by `weights`, in (0, 1).

    Attributes:
        weights: how often to draw each item, adding up to 1.
        skipped: how many images the data set left out.

    Raises:
        ConfigurationError: the share is not in (0, 1).

    Example:
        >>> photographs = [torch.zeros(3, 64, 64, dtype=torch.uint8)] * 10
        >>> mixed = WithDrawings(photographs, 64, share=0.25)
        >>> round(float(mixed.weights[:10].sum()), 6)
        0.75
    """

    def __init__(self, dataset: Any, patch_size: int, share: float) -> None:
        if not 0 < share < 1:
            raise ConfigurationError(f"Expected a share of drawings between 0 and 1, found {share}.")
        self.dataset, self.drawings = dataset, DrawnCrops(patch_size)
        self.skipped: int = getattr(dataset, "skipped", 0)
        weights = getattr(dataset, "weights", torch.ones(len(dataset))).double()
        drawn = torch.full((len(self.drawings),), share / len(self.drawings)).double()
        self.weights = torch.cat((weights / weights.sum() * (1 - share), drawn))

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, index: int) -> Tensor:
        """An item of the data set, or a drawing."""
        own = len(self.dataset)
        if index < own:
            item: Tensor = self.dataset[index]
            return item
        return self.drawings[index - own]


def _kind(drawing: Drawing) -> Drawing:
    KINDS[drawing.__name__] = drawing
    return drawing


def _colour(random: Random) -> Colour:
    """Any colour; a saturated one in half of the cases."""
    if random.random() < 0.5:
        return PRIMARIES[random.integers(len(PRIMARIES))]
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


def _canvas(size: Size, colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def _point(random: Random, size: Size) -> tuple[int, int]:
    return int(random.integers(size[0])), int(random.integers(size[1]))


def _line_of_text(random: Random, length: int) -> str:
    words = ["".join(random.choice(LETTERS, random.integers(1, 10))) for _ in range(length // 3 + 1)]
    return " ".join(words)[:length]


def _write(random: Random, size: Size, paper: Colour, ink: Callable[[], Colour], height: int) -> Image.Image:
    """Lines of text over the whole picture."""
    image, pen = _canvas(size, paper)
    font = ImageFont.load_default(height)
    for top in range(2, size[1], height + height // 3):
        pen.text((4, top), _line_of_text(random, 2 * size[0] // height + 1), ink(), font)
    return image


def _from_array(pixels: np.ndarray) -> Image.Image:
    """(H, W, 3) of any type, in [0, 255]."""
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _plane(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows, (H, W) each, in [0, 1)."""
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    return columns / size[0], rows / size[1]


def _tiles(random: Random, size: Size, side: int, palette: np.ndarray) -> Image.Image:
    """Squares of `side` pixels, each of a colour of the palette (K, 3)."""
    count = (-(-size[1] // side), -(-size[0] // side))
    small = palette[random.integers(len(palette), size=count)]
    return _from_array(small.repeat(side, 0).repeat(side, 1)[: size[1], : size[0]])


@_kind
def flat(random: Random, size: Size) -> Image.Image:
    """One colour."""
    return _canvas(size, _colour(random))[0]


@_kind
def quarters(random: Random, size: Size) -> Image.Image:
    """Four flat quarters of different saturated colours."""
    colours = [PRIMARIES[k] for k in random.permutation(len(PRIMARIES))[:4]]
    x, y = size[0] // 2, size[1] // 2
    image, pen = _canvas(size, colours[0])
    pen.rectangle((x, 0, *size), colours[1])
    pen.rectangle((0, y, *size), colours[2])
    pen.rectangle((x, y, *size), colours[3])
    return image


@_kind
def flag(random: Random, size: Size) -> Image.Image:
    """Stripes of few colours, and a disc."""
    image, pen = _canvas(size, _colour(random))
    count, upright = int(random.integers(2, 8)), random.random() < 0.5
    for k in range(count):
        box = (size[0] * k // count, 0, *size) if upright else (0, size[1] * k // count, *size)
        pen.rectangle(box, _colour(random))
    radius = min(size) // 4
    pen.ellipse(
        (size[0] // 2 - radius, size[1] // 2 - radius, size[0] // 2 + radius, size[1] // 2 + radius),
        _colour(random),
    )
    return image


@_kind
def text(random: Random, size: Size) -> Image.Image:
    """Black on white, as a page."""
    return _write(random, size, (255, 255, 255), lambda: (0, 0, 0), int(random.integers(9, 24)))


@_kind
def coloured_text(random: Random, size: Size) -> Image.Image:
    """Large letters in many colours."""
    return _write(random, size, _colour(random), lambda: _colour(random), int(random.integers(14, 48)))


@_kind
def terminal(random: Random, size: Size) -> Image.Image:
    """Small light letters on black."""
    inks: list[Colour] = [(204, 204, 204), (78, 154, 6), (196, 160, 0), (52, 101, 164)]
    return _write(random, size, (12, 12, 12), lambda: inks[random.integers(len(inks))], 11)


@_kind
def bars(random: Random, size: Size) -> Image.Image:
    """A bar chart with a grid and numbers."""
    image, pen = _canvas(size, (255, 255, 255))
    for line in range(0, size[1], max(8, size[1] // 8)):
        pen.line((0, line, size[0], line), (210, 210, 210))
        pen.text((1, line + 1), str(line), (90, 90, 90))
    count = int(random.integers(4, 12))
    for k in range(count):
        left, top = size[0] * (2 * k + 1) // (2 * count + 1), int(random.integers(size[1]))
        pen.rectangle((left, top, left + size[0] // (2 * count + 1), size[1]), _colour(random))
    return image


@_kind
def curves(random: Random, size: Size) -> Image.Image:
    """A line chart with axes."""
    image, pen = _canvas(size, (255, 255, 255))
    pen.line((8, 0, 8, size[1]), (0, 0, 0), 2)
    pen.line((0, size[1] - 8, size[0], size[1] - 8), (0, 0, 0), 2)
    for _ in range(random.integers(1, 6)):
        heights = size[1] / 2 + np.cumsum(random.normal(0, size[1] / 40, size[0]))
        pen.line(list(enumerate(heights.tolist())), _colour(random), int(random.integers(1, 4)))
    return image


@_kind
def pie(random: Random, size: Size) -> Image.Image:
    """A pie chart."""
    image, pen = _canvas(size, (255, 255, 255))
    ends = np.sort(random.integers(0, 360, random.integers(2, 9))).tolist()
    for start, end in zip([0, *ends], [*ends, 360], strict=True):
        pen.pieslice((0, 0, size[0] - 1, size[1] - 1), start, end, _colour(random), (255, 255, 255))
    return image


@_kind
def screenshot(random: Random, size: Size) -> Image.Image:
    """Overlapping windows with title bars, text and buttons on a plain desktop."""
    image, pen = _canvas(size, _colour(random))
    for _ in range(random.integers(2, 6)):
        left, top = _point(random, size)
        width, height = random.integers(40, max(41, size[0]) + 1, 2).tolist()
        pen.rectangle((left, top, left + width, top + height), (246, 246, 246), (120, 120, 120))
        pen.rectangle((left, top, left + width, top + 14), _colour(random))
        pen.text((left + 4, top + 1), _line_of_text(random, width // 8), (255, 255, 255))
        for line in range(top + 18, top + height - 20, 13):
            pen.text((left + 4, line), _line_of_text(random, width // 7), (30, 30, 30))
        pen.rounded_rectangle((left + 4, top + height - 16, left + 34, top + height - 4), 3, _colour(random))
    return image


@_kind
def gradient(random: Random, size: Size) -> Image.Image:
    """From one colour to another along a line."""
    x, y = _plane(size)
    angle = random.uniform(0, 2 * math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    along = (along - along.min()) / max(float(np.ptp(along)), 1e-9)
    start, end = random.integers(0, 256, (2, 3)).astype(float)
    return _from_array(start + along[..., None] * (end - start))


@_kind
def rings(random: Random, size: Size) -> Image.Image:
    """A zone plate: every frequency there is."""
    x, y = _plane(size)
    radius = (x - 0.5) ** 2 + (y - 0.5) ** 2
    wave = 127.5 + 127.5 * np.cos(radius * random.uniform(0.3, 1) * math.pi * max(size))
    return _from_array(np.repeat(wave[..., None], 3, 2))


@_kind
def hues(random: Random, size: Size) -> Image.Image:
    """All hues across, saturation down."""
    x, y = _plane(size)
    planes = np.stack((255 * x, 255 * y, np.full_like(x, random.integers(128, 256))), 2)
    return Image.fromarray(planes.astype(np.uint8), "HSV").convert("RGB")


@_kind
def noise(random: Random, size: Size) -> Image.Image:
    """Every value of every pixel by itself, uniform."""
    return _from_array(random.integers(0, 256, (size[1], size[0], 3)))


@_kind
def grain(random: Random, size: Size) -> Image.Image:
    """Grey normal noise about a level."""
    level = random.normal(random.integers(256), random.uniform(2, 60), (size[1], size[0], 1))
    return _from_array(level.repeat(3, 2))


@_kind
def pixel_art(random: Random, size: Size) -> Image.Image:
    """Large pixels of few colours."""
    palette = np.array([_colour(random) for _ in range(random.integers(2, 16))])
    return _tiles(random, size, int(random.integers(3, 17)), palette)


@_kind
def matrix_code(random: Random, size: Size) -> Image.Image:
    """Black and white squares, as of a QR code."""
    return _tiles(random, size, int(random.integers(2, 9)), np.array([[0, 0, 0], [255, 255, 255]]))


@_kind
def checkerboard(random: Random, size: Size) -> Image.Image:
    """Fields of one to eight pixels in two colours."""
    side = int(random.integers(1, 9))
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]] // side
    return _from_array(np.array([_colour(random), _colour(random)])[(rows + columns) % 2])


@_kind
def hairlines(random: Random, size: Size) -> Image.Image:
    """Thin lines in all directions, as in a technical drawing."""
    image, pen = _canvas(size, (255, 255, 255))
    for _ in range(40):
        pen.line((*_point(random, size), *_point(random, size)), _colour(random))
    return image


@_kind
def logo(random: Random, size: Size) -> Image.Image:
    """Smooth-edged discs and rounded boxes: drawn at four times the size."""
    image, pen = _canvas((4 * size[0], 4 * size[1]), _colour(random))
    for _ in range(random.integers(2, 9)):
        (x, y), radius = _point(random, image.size), int(random.integers(8, 2 * max(size) + 9))
        box = (x - radius, y - radius, x + radius, y + radius)
        if random.random() < 0.5:
            pen.ellipse(box, _colour(random))
        else:
            pen.rounded_rectangle(box, radius // 3, _colour(random))
    return image.resize(size, Image.Resampling.BOX)


@_kind
def regions(random: Random, size: Size) -> Image.Image:
    """Flat cells with borders, as of a map."""
    x, y = _plane(size)
    centres = random.random((int(random.integers(5, 30)), 2))
    distances = (x[..., None] - centres[:, 0]) ** 2 + (y[..., None] - centres[:, 1]) ** 2
    cells = distances.argmin(2)
    colours = np.array([_colour(random) for _ in centres])[cells]
    border = (cells != np.roll(cells, 1, 0)) | (cells != np.roll(cells, 1, 1))
    return _from_array(np.where(border[..., None], 0, colours))


@_kind
def halftone(random: Random, size: Size) -> Image.Image:
    """Dots of a printing screen whose size follows a slope of grey."""
    x, y = _plane(size)
    period = random.uniform(3, 9)
    screen = np.cos(2 * math.pi * size[0] * x / period) + np.cos(2 * math.pi * size[1] * y / period)
    return _from_array(np.repeat((screen > 4 * (x + y) / 2 - 2)[..., None] * 255, 3, 2))
