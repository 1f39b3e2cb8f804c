"""VTM and HM, the reference software of VVC and HEVC, on single pictures in 4:4:4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from latentpress.errors import ConfigurationError
from latentpress.evaluation.codecs.base import Pixels
from latentpress.evaluation.codecs.planes import MATRICES, read_planes, write_planes
from latentpress.evaluation.codecs.programs import ProgramCodec


@dataclass(frozen=True)
class ReferenceSoftware(ProgramCodec):
    """What VTM and HM have in common. A quality is the quantisation parameter: the largest makes the smallest
    file.

    RGB is converted to full-range YCbCr 4:4:4 before coding and back afterwards; neither is in the times. At
    ten bits the conversion loses nothing of eight-bit RGB. Decoders write pictures as deep as they computed
    them, so that the only rounding on the way back is that of RGB to eight bits.

    Attributes:
        matrix: of the conversion: "bt709", "bt601" or "bt2020"; "rgb" codes G, B and R as they are.
        bits: of a sample that the encoder is given: 8 or 10.
        internal_bits: of a sample inside the codec, and of one that the decoder writes: 8, 10 or 12, not
            under `bits`.
        config: the encoder's configuration file; by default the one for intra coding in the folder `cfg`
            beside the folder of the encoder.
        encoder, decoder: the programs, by name or path; by default those of the software's own build.
    """

    matrix: str = "bt709"
    bits: int = 10
    internal_bits: int = 10
    config: str = ""
    encoder: str = ""
    decoder: str = ""

    scale: ClassVar[Sequence[float]] = tuple(range(51, -1, -1))
    qualities: ClassVar[Sequence[float]] = (47, 42, 37, 32, 27, 22)
    default_programs: ClassVar[tuple[str, str]]
    default_config: ClassVar[str]

    def __post_init__(self) -> None:
        if self.matrix not in MATRICES:
            raise ConfigurationError(f"Expected a matrix of {', '.join(MATRICES)}, found {self.matrix!r}.")
        if self.bits not in (8, 10):
            raise ConfigurationError(f"Expected 8 or 10 bits, found {self.bits}.")
        if self.internal_bits not in (8, 10, 12) or self.internal_bits < self.bits:
            raise ConfigurationError(
                f"Expected 8, 10 or 12 internal bits, and no fewer than the {self.bits} of the input "
                f"(set bits, too), found {self.internal_bits}."
            )

    @property
    def description(self) -> str:
        space = "RGB" if self.matrix == "rgb" else f"YCbCr ({self.matrix})"
        config = Path(self.config).name or self.default_config
        inside = "" if self.internal_bits == self.bits else f", {self.internal_bits} inside"
        return f"{self.default_programs[0]} with {config}, {space} 4:4:4, {self.bits} bits{inside}"

    @property
    def programs(self) -> tuple[str, str]:
        encoder, decoder = self.default_programs
        return self.encoder or encoder, self.decoder or decoder

    def check(self) -> None:
        super().check()
        self._config_path()

    def write_input(self, pixels: Pixels, folder: Path) -> None:
        write_planes(pixels, folder / "original.yuv", self.matrix, self.bits)

    def encoder_command(self, size: tuple[int, int], quality: float, folder: Path) -> list[str]:
        width, height = size
        return [
            self.find(self.programs[0]), "-c", str(self._config_path()),
            "-i", str(folder / "original.yuv"), "-b", str(self.code_path(folder)), "-o", "/dev/null",
            "-q", str(int(quality)), "-wdt", str(width), "-hgt", str(height), "-fr", "1", "-f", "1",
            "--InputChromaFormat=444", f"--InputBitDepth={self.bits}",
            f"--InternalBitDepth={self.internal_bits}", f"--OutputBitDepth={self.internal_bits}",
            "--ConformanceWindowMode=1",
        ]  # fmt: skip

    def decoder_command(self, folder: Path) -> list[str]:
        return [
            self.find(self.programs[1]), "-b", str(self.code_path(folder)),
            "-o", str(folder / "decoded.yuv"), "-d", str(self.internal_bits),
        ]  # fmt: skip

    def read_output(self, size: tuple[int, int], folder: Path) -> Pixels:
        return read_planes(folder / "decoded.yuv", size, self.matrix, self.bits, self.internal_bits)

    def _config_path(self) -> Path:
        beside = Path(self.find(self.programs[0])).resolve().parent.parent / "cfg" / self.default_config
        path = Path(self.config) if self.config else beside
        if not path.is_file():
            raise ConfigurationError(
                f"Expected the configuration of {self.name} at {path}, found nothing: set config to the "
                f"{self.default_config} that comes with its source."
            )
        return path


@dataclass(frozen=True)
class Vtm(ReferenceSoftware):
    """VTM, the reference software of VVC; see `ReferenceSoftware` for the settings."""

    name: ClassVar[str] = "VTM"
    scale: ClassVar[Sequence[float]] = tuple(range(63, -1, -1))
    default_programs: ClassVar[tuple[str, str]] = ("EncoderAppStatic", "DecoderAppStatic")
    default_config: ClassVar[str] = "encoder_intra_vtm.cfg"
    source: ClassVar[str] = (
        "build https://vcgit.hhi.fraunhofer.de/jvet/VVCSoftware_VTM and put its folder bin on the path, or "
        "set encoder and decoder to where they are."
    )


@dataclass(frozen=True)
class Hm(ReferenceSoftware):
    """HM, the reference software of HEVC; see `ReferenceSoftware` for the settings."""

    name: ClassVar[str] = "HM"
    default_programs: ClassVar[tuple[str, str]] = ("TAppEncoderStatic", "TAppDecoderStatic")
    default_config: ClassVar[str] = "encoder_intra_main_rext.cfg"
    source: ClassVar[str] = (
        "build https://vcgit.hhi.fraunhofer.de/jvet/HM and put its folder bin on the path, or set encoder "
        "and decoder to where they are."
    )
