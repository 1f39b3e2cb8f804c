"""BPG: HEVC intra frames, by the programs bpgenc and bpgdec."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import Pixels
from latentpress.evaluation.codecs.pillow import check_subsampling
from latentpress.evaluation.codecs.programs import ProgramCodec

_CHOICES = {
    "hevc": ("x265", "jctvc"),
    "colour": ("ycbcr", "ycbcr_bt709", "ycbcr_bt2020", "ycgco", "rgb"),
    "bits": (8, 10, 12),
}


@dataclass(frozen=True)
class Bpg(ProgramCodec):
    """BPG by libbpg. A quality is HEVC's quantisation parameter: 51 is the smallest file.

    Attributes:
        subsampling: of chroma: "4:2:0", "4:2:2" or "4:4:4".
        hevc: the encoder within: "x265" or "jctvc".
        colour: the space that is coded: "ycbcr" (BT.601), "ycbcr_bt709", "ycbcr_bt2020", "ycgco" or "rgb".
        bits: of a sample in the code: 8, 10 or 12.
        encoder, decoder: the programs, by name or path.
    """

    subsampling: str = "4:4:4"
    hevc: str = "x265"
    colour: str = "ycbcr"
    bits: int = 8
    encoder: str = "bpgenc"
    decoder: str = "bpgdec"

    name: ClassVar[str] = "BPG"
    scale: ClassVar[Sequence[float]] = tuple(range(51, -1, -1))
    qualities: ClassVar[Sequence[float]] = (47, 42, 37, 32, 27, 22)
    source: ClassVar[str] = (
        "build libbpg from https://bellard.org/bpg and put bpgenc and bpgdec on the path, or set encoder and "
        "decoder to where they are."
    )

    def __post_init__(self) -> None:
        check_subsampling(self.subsampling)
        for field, choices in _CHOICES.items():
            value = getattr(self, field)
            if value not in choices:
                raise ConfigurationError(
                    f"Expected {field} of BPG to be one of {', '.join(map(str, choices))}, found {value!r}."
                )

    @property
    def description(self) -> str:
        return f"libbpg, {self.hevc}, {self.colour} {self.subsampling}, {self.bits} bits"

    @property
    def programs(self) -> tuple[str, str]:
        return self.encoder, self.decoder

    def code_path(self, folder: Path) -> Path:
        return folder / "code.bpg"

    def write_input(self, pixels: Pixels, folder: Path) -> None:
        Image.fromarray(pixels).save(folder / "original.png", compress_level=1)

    def encoder_command(self, size: tuple[int, int], quality: float, folder: Path) -> list[str]:
        return [
            self.find(self.encoder), "-o", str(self.code_path(folder)), "-q", str(int(quality)),
            "-f", self.subsampling.replace(":", ""), "-e", self.hevc, "-c", self.colour, "-b", str(self.bits),
            str(folder / "original.png"),
        ]  # fmt: skip

    def decoder_command(self, folder: Path) -> list[str]:
        return [self.find(self.decoder), "-o", str(folder / "decoded.png"), str(self.code_path(folder))]

    def read_output(self, size: tuple[int, int], folder: Path) -> Pixels:
        with Image.open(folder / "decoded.png") as image:
            return np.asarray(image.convert("RGB"))
