"""`.ltp` as a Pillow format: `Image.open("x.ltp")` and `image.save("x.ltp", quality=50)`.

Opening reads the header only; the network decodes when pixels are asked for. Torch is not imported before
that. `Image.MAX_IMAGE_PIXELS = None` lifts the limit on the size here as it does for Pillow's own formats.
"""

from __future__ import annotations

import io
from typing import IO, Any

from PIL import Image, ImageFile

from latentpress.codec.container import DEFAULT_MAX_PIXELS, LONGEST_HEADER, MAGIC, read_header

FORMAT = "LTP"
MIME_TYPE = "image/x-ltp"
_OPTIONS = ("quality", "target_bpp", "target_size", "model", "metric", "checkpoint", "device")


class LtpImageFile(ImageFile.ImageFile):
    """A `.ltp` file opened by Pillow."""

    format = FORMAT
    format_description = "LatentPress image"

    def _open(self) -> None:
        assert self.fp is not None
        header = read_header(self.fp.read(LONGEST_HEADER))
        self._size = (header.width, header.height)
        self._mode = header.layout.name
        self.info["model"] = header.model
        self.info.update(header.parameters)
        self._decoded = False

    def load(self) -> Any:
        if not self._decoded:
            self._decode()
        return super().load()

    def load_seek(self, pos: int) -> None:
        """Seek in the decoded pixels; that it exists keeps Pillow from mapping the file itself as pixels."""
        assert self.fp is not None
        self.fp.seek(pos)

    def _decode(self) -> None:
        from latentpress.codec.api import decompress

        assert self.fp is not None
        self.fp.seek(0)
        limit = None if Image.MAX_IMAGE_PIXELS is None else DEFAULT_MAX_PIXELS
        image = decompress(self.fp.read(), max_pixels=limit)
        self.info.update(image.info)
        if self._exclusive_fp:
            self.fp.close()
        self.fp = io.BytesIO(image.tobytes())
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]
        self._decoded = True


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    from latentpress.codec.api import compress

    given = image.encoderinfo
    options = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
    file.write(compress(image, **options))


def register() -> None:
    """Tell Pillow about the format; doing it twice does no harm."""
    Image.register_open(FORMAT, LtpImageFile, lambda prefix: prefix.startswith(MAGIC))
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".ltp")
    Image.register_mime(FORMAT, MIME_TYPE)
