"""Training crops of photographs held in memory: decoded once, then cropped, scaled, flipped at random."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from latentpress.datasets.folder import split_folder
from latentpress.datasets.reading import IMAGE_SUFFIXES, UNREADABLE, open_rgb
from latentpress.datasets.scan import scan
from latentpress.errors import ImageError
from latentpress.registry import register_dataset
from latentpress.transforms import RandomHorizontalFlip, RandomScaledCrop


@register_dataset("InMemoryCrops")
class InMemoryCrops(Dataset[Tensor]):
    """A random crop of each photograph below a folder, flipped in half of the cases.

    For sets that fit into memory when decoded: a crop then costs a resampling instead of a file. Scaling down
    by a random factor hides the artefacts of photographs that were stored as JPEG. Random choices are drawn
    from torch's global generator.

    Args:
        folder: what to read; unreadable images are left out and counted in `skipped`.
        patch_size: side of the square crops; images with a shorter side are left out and counted, too.
        scales: range that the scale of each crop is drawn from, where the image is large enough.
        split: subfolder to take, as for `ImageFolder`.

    Attributes:
        weights: how often to draw each photograph, adding up to 1: large ones hold more to see.
        skipped: how many images were left out.

    Raises:
        ImageError: no image in the folder is large enough.
        DataError: the folder has splits, but not this one.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> Image.new("RGB", (90, 80)).save(f"{folder.name}/black.png")
        >>> crop = InMemoryCrops(folder.name, patch_size=64)[0]
        >>> crop.shape, crop.dtype
        (torch.Size([3, 64, 64]), torch.uint8)
    """

    def __init__(
        self,
        folder: str | Path,
        patch_size: int = 256,
        scales: tuple[float, float] = (0.5, 1.0),
        split: str = "train",
    ) -> None:
        self._crop, self._flip = RandomScaledCrop(patch_size, scales), RandomHorizontalFlip()
        paths = scan(split_folder(folder, split), IMAGE_SUFFIXES)
        with ThreadPoolExecutor() as pool:
            images = list(pool.map(_read, paths))
        self.images = [image for image in images if image is not None and min(image.size) >= patch_size]
        self.skipped = len(paths) - len(self.images)
        if not self.images:
            raise ImageError(
                f"Expected images of at least {patch_size} pixels a side in {folder}, found none: "
                "choose smaller patches or other images."
            )
        roots = torch.tensor([image.width * image.height for image in self.images]).double().sqrt()
        self.weights = roots / roots.sum()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        """A crop of image number `index`, `(3, patch_size, patch_size)` uint8."""
        pixels = np.array(self._flip(self._crop(self.images[index])))
        return torch.from_numpy(pixels).permute(2, 0, 1)


def _read(path: Path) -> Image.Image | None:
    try:
        return open_rgb(path)
    except UNREADABLE:
        return None
