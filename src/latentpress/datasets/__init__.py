"""What training and evaluation read: folders and shards of images, sequences of frames, raw video."""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.datasets.crops import InMemoryCrops
    from latentpress.datasets.folder import ImageFiles, ImageFolder

__all__ = ["ImageFiles", "ImageFolder", "InMemoryCrops"]

_HOMES = {
    "crops": ["InMemoryCrops"],
    "folder": ["ImageFiles", "ImageFolder"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
