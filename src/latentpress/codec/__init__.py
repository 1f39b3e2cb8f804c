"""Images as files: the `.ltp` container, and what turns an image into one and back. Videos are in
`latentpress.codec.video`.

Importing this package loads neither torch nor a model; using it does.
"""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.codec.api import compress, decompress
    from latentpress.codec.container import (
        Container,
        Header,
        Layout,
        read_container,
        read_header,
        write_container,
    )
    from latentpress.codec.files import compress_file, decompress_file
    from latentpress.codec.image_codec import ImageCodec
    from latentpress.codec.images import Picture, image_from, picture_from
    from latentpress.codec.models import load_codec

__all__ = [
    "Container",
    "Header",
    "ImageCodec",
    "Layout",
    "Picture",
    "compress",
    "compress_file",
    "decompress",
    "decompress_file",
    "image_from",
    "load_codec",
    "picture_from",
    "read_container",
    "read_header",
    "write_container",
]

_HOMES = {
    "api": ["compress", "decompress"],
    "container": ["Container", "Header", "Layout", "read_container", "read_header", "write_container"],
    "files": ["compress_file", "decompress_file"],
    "image_codec": ["ImageCodec"],
    "images": ["Picture", "image_from", "picture_from"],
    "models": ["load_codec"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
