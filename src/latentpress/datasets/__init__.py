"""What training and evaluation read: folders and shards of images, sequences of frames, raw video."""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.datasets.clip import Clip, ClipInfo, Colour
    from latentpress.datasets.clips import open_clip
    from latentpress.datasets.crops import InMemoryCrops
    from latentpress.datasets.folder import ImageFiles, ImageFolder
    from latentpress.datasets.frames import Frame
    from latentpress.datasets.graphics import DrawnCrops, WithDrawings
    from latentpress.datasets.loading import make_loader
    from latentpress.datasets.published import CLIC, COCO, Kodak, Tecnick
    from latentpress.datasets.rawclips import RawVideoClips
    from latentpress.datasets.rawformat import RawFormat, VideoFormat
    from latentpress.datasets.rawvideo import RawVideoSequence
    from latentpress.datasets.sharding import make_shards
    from latentpress.datasets.shards import ShardedImages
    from latentpress.datasets.tuplets import VideoFolder, Vimeo90kDataset

__all__ = [
    "CLIC",
    "COCO",
    "Clip",
    "ClipInfo",
    "Colour",
    "DrawnCrops",
    "Frame",
    "ImageFiles",
    "ImageFolder",
    "InMemoryCrops",
    "Kodak",
    "RawFormat",
    "RawVideoClips",
    "RawVideoSequence",
    "ShardedImages",
    "Tecnick",
    "VideoFolder",
    "VideoFormat",
    "Vimeo90kDataset",
    "WithDrawings",
    "make_loader",
    "make_shards",
    "open_clip",
]

_HOMES = {
    "clip": ["Clip", "ClipInfo", "Colour"],
    "clips": ["open_clip"],
    "crops": ["InMemoryCrops"],
    "folder": ["ImageFiles", "ImageFolder"],
    "frames": ["Frame"],
    "graphics": ["DrawnCrops", "WithDrawings"],
    "rawformat": ["RawFormat", "VideoFormat"],
    "loading": ["make_loader"],
    "published": ["CLIC", "COCO", "Kodak", "Tecnick"],
    "rawclips": ["RawVideoClips"],
    "rawvideo": ["RawVideoSequence"],
    "sharding": ["make_shards"],
    "shards": ["ShardedImages"],
    "tuplets": ["VideoFolder", "Vimeo90kDataset"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
