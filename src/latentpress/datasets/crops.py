"""Training crops of photographs held in memory: decoded once, then cropped, scaled, flipped at random."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from latentpress.errors import ImageError

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}


class InMemoryCrops:
    """Endless batches of random crops of the photographs in a folder.

    Scaling down by a random factor hides the artefacts of photographs that were stored as JPEG.

    Args:
        folder: searched recursively for images; unreadable ones are skipped and counted in `skipped`.
        patch_size: side of the square crops; images with a shorter side are left out.
        batch_size: crops a batch.
        scales: range that the scale of each crop is drawn from, where the image is large enough.
        seed: of the generator that everything is drawn from.

    Raises:
        ImageError: no image in the folder is large enough.
    """

    def __init__(
        self,
        folder: str | Path,
        patch_size: int = 256,
        batch_size: int = 8,
        scales: tuple[float, float] = (0.5, 1.0),
        seed: int = 0,
    ) -> None:
        self.patch_size, self.batch_size, self.scales = patch_size, batch_size, scales
        self.random = np.random.default_rng(seed)
        paths = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in EXTENSIONS)
        with ThreadPoolExecutor(4) as pool:
            images = list(pool.map(_read, paths))
        usable = [image for image in images if image is not None and min(image.size) >= patch_size]
        self.skipped = len(paths) - len(usable)
        if not usable:
            raise ImageError(
                f"expected images of at least {patch_size} pixels a side in {folder}, found none"
            )
        self.images = usable
        areas = np.array([image.width * image.height for image in usable], dtype=np.float64)
        self.weights = np.sqrt(areas) / np.sqrt(areas).sum()  # large photographs hold more to see

    def batch(self) -> Tensor:
        """The next batch, `(N, 3, patch_size, patch_size)` uint8."""
        picks = self.random.choice(len(self.images), self.batch_size, p=self.weights)
        crops = np.stack([self._crop(self.images[i]) for i in picks])
        return torch.from_numpy(crops).permute(0, 3, 1, 2)

    def _crop(self, image: Image.Image) -> np.ndarray:
        lowest = max(self.scales[0], self.patch_size / min(image.size))
        scale = self.random.uniform(lowest, max(lowest, self.scales[1]))
        side = min(round(self.patch_size / scale), *image.size)
        left = int(self.random.integers(image.width - side + 1))
        top = int(self.random.integers(image.height - side + 1))
        size = (self.patch_size, self.patch_size)
        crop = image.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + side, top + side))
        pixels = np.asarray(crop)
        return pixels[:, ::-1] if self.random.random() < 0.5 else pixels

    def prefetched(self, depth: int = 4) -> Iterator[Tensor]:
        """Batches made ahead of use by a background thread, `depth` of them at most."""
        queue: Queue[Tensor] = Queue(depth)

        def fill() -> None:
            while True:
                queue.put(self.batch())

        threading.Thread(target=fill, daemon=True).start()
        while True:
            yield queue.get()


def _read(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError):
        return None
