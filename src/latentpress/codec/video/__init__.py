"""Videos as `.ltp` files: the format, the codecs of frames, and files of all kinds on the other side.

Importing this package loads neither torch nor a model; using it does.
"""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.codec.video.container import VideoReader, VideoWriter
    from latentpress.codec.video.files import RawOptions, compress_video_file, decompress_video_file
    from latentpress.codec.video.frame_codec import FrameCodec, ImageFrames, VideoFrames
    from latentpress.codec.video.header import VideoHeader
    from latentpress.codec.video.models import load_frame_codec
    from latentpress.codec.video.stream import VideoDecoder, VideoEncoder

__all__ = [
    "FrameCodec",
    "ImageFrames",
    "RawOptions",
    "VideoDecoder",
    "VideoEncoder",
    "VideoFrames",
    "VideoHeader",
    "VideoReader",
    "VideoWriter",
    "compress_video_file",
    "decompress_video_file",
    "load_frame_codec",
]

_HOMES = {
    "container": ["VideoReader", "VideoWriter"],
    "files": ["RawOptions", "compress_video_file", "decompress_video_file"],
    "frame_codec": ["FrameCodec", "ImageFrames", "VideoFrames"],
    "header": ["VideoHeader"],
    "models": ["load_frame_codec"],
    "stream": ["VideoDecoder", "VideoEncoder"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
