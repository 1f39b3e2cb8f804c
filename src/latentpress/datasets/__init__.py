"""What training and evaluation read: folders and shards of images, sequences of frames, raw video."""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.datasets.crops import InMemoryCrops
    from latentpress.datasets.folder import ImageFiles, ImageFolder
    from latentpress.datasets.rawclips import RawVideoClips
    from latentpress.datasets.rawformat import RawFormat, VideoFormat
    from latentpress.datasets.rawvideo import Frame, RawVideoSequence
    from latentpress.datasets.tuplets import VideoFolder, Vimeo90kDataset

__all__ = [
    "Frame",
    "ImageFiles",
    "ImageFolder",
    "InMemoryCrops",
    "RawFormat",
    "RawVideoClips",
    "RawVideoSequence",
    "VideoFolder",
    "VideoFormat",
    "Vimeo90kDataset",
]

_HOMES = {
    "crops": ["InMemoryCrops"],
    "folder": ["ImageFiles", "ImageFolder"],
    "rawformat": ["RawFormat", "VideoFormat"],
    "rawclips": ["RawVideoClips"],
    "rawvideo": ["Frame", "RawVideoSequence"],
    "tuplets": ["VideoFolder", "Vimeo90kDataset"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
