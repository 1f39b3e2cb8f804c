"""LatentPress: learned image and video compression.

    data = latentpress.compress(image, quality=50)   # a Pillow image or an array -> bytes of a .ltp file
    image = latentpress.decompress(data)             # -> a Pillow image

Importing the package teaches Pillow the `.ltp` format and loads neither torch nor a model; the parts, such as
`latentpress.zoo`, are imported when they are first used.
"""

from typing import TYPE_CHECKING

from latentpress import errors
from latentpress._lazy import lazy_attributes
from latentpress.codec import pillow_plugin
from latentpress.errors import (
    BitstreamError,
    ConfigurationError,
    DataError,
    ImageError,
    LatentPressError,
    WeightsError,
)

if TYPE_CHECKING:
    from latentpress.ans import available_entropy_coders, get_entropy_coder, set_entropy_coder
    from latentpress.codec.api import compress, decompress
    from latentpress.codec.files import compress_file, decompress_file

__version__ = "0.1.0"

__all__ = [
    "BitstreamError",
    "ConfigurationError",
    "DataError",
    "ImageError",
    "LatentPressError",
    "WeightsError",
    "__version__",
    "available_entropy_coders",
    "compress",
    "compress_file",
    "decompress",
    "decompress_file",
    "errors",
    "get_entropy_coder",
    "set_entropy_coder",
]

__getattr__, __dir__ = lazy_attributes(
    __name__,
    exports={
        "available_entropy_coders": "latentpress.ans",
        "get_entropy_coder": "latentpress.ans",
        "set_entropy_coder": "latentpress.ans",
        "compress": "latentpress.codec.api",
        "decompress": "latentpress.codec.api",
        "compress_file": "latentpress.codec.files",
        "decompress_file": "latentpress.codec.files",
    },
    submodules=[
        "ans",
        "cli",
        "codec",
        "datasets",
        "entropy_models",
        "evaluation",
        "latent_codecs",
        "layers",
        "losses",
        "models",
        "ops",
        "registry",
        "training",
        "transforms",
        "utils",
        "zoo",
    ],
)

pillow_plugin.register()
