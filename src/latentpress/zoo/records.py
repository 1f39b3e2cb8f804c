"""What the zoo knows about a model, as plain records: nothing here builds, downloads or imports anything.

A model's records are written in one file under `latentpress.zoo.entries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Origin = Literal["published", "latentpress"]


@dataclass(frozen=True)
class Paper:
    """Where an architecture was described first."""

    title: str
    authors: str
    venue: str
    url: str

    def __str__(self) -> str:
        return f"{self.authors}, “{self.title}”, {self.venue}"


@dataclass(frozen=True)
class Training:
    """How the weights of an architecture are trained.

    The loss is `lmbda * 255**2 * MSE + bpp` for metric "mse" and `lmbda * (1 - MS-SSIM) + bpp` for "ms-ssim".

    Attributes:
        lmbda: metric -> quality -> trade-off; a larger value buys quality with bits.
        learning_rate: of the optimiser of the network (Adam).
        aux_learning_rate: of the optimiser of the entropy bottleneck's quantiles (Adam).
        schedule: how the learning rate falls.
        clip_norm: largest gradient norm.
        crop: side of the square training crops, in pixels.
        batch: images a step.
    """

    lmbda: Mapping[str, Mapping[int, float]]
    learning_rate: float = 1e-4
    aux_learning_rate: float = 1e-3
    schedule: str = "halve when the loss has not fallen for 20 epochs"
    clip_norm: float = 1.0
    crop: int = 256
    batch: int = 16


@dataclass(frozen=True)
class RateDistortion:
    """One measured point: the mean over the images of a data set, from real file sizes.

    Attributes:
        dataset: name of the data set, for instance "kodak".
        metric: what the weights were trained for.
        quality: what the images were compressed with.
        bpp: bits per pixel of the original image.
        psnr: over R, G and B, in dB.
        ms_ssim: in [0, 1]; None where it was not measured.
    """

    dataset: str
    metric: str
    quality: float
    bpp: float
    psnr: float
    ms_ssim: float | None = None


@dataclass(frozen=True)
class Weights:
    """One file of weights.

    Attributes:
        metric: what the weights were trained for.
        quality: which quality they serve; None where one file serves all.
        file: name of the file, in the cache directory or in the package.
        url: where the file is published; None where it comes with the package.
        sha256: the file's SHA-256 in hexadecimal or the first digits of it; None where nothing was published,
            and for bundled files, whose full hash lies in the record beside them.
        licence: what the file may be used under.
        origin: "published" by the authors of the paper or of a reproduction, or trained by "latentpress".
    """

    metric: str
    quality: int | str | None
    file: str
    url: str | None
    sha256: str | None
    licence: str
    origin: Origin = "published"

    @property
    def bundled(self) -> bool:
        """Whether the file comes with the package."""
        return self.url is None


@dataclass(frozen=True)
class Recipe:
    """Everything that it takes to make a model by name.

    Attributes:
        name: as users write it, for instance "mbt2018-mean".
        architecture: the class, as "module:Class"; it is imported when a model is first made.
        arguments: quality -> constructor arguments. One entry under None means that one network serves every
            quality.
        paper: where the architecture comes from.
        metrics: what weights can be trained for.
        domain: what the model compresses.
        quality_range: lowest and highest quality of a variable-rate model; None for the others.
        weights: the files that are known.
        training: how the weights are trained; None where the record beside bundled weights says it.
        rate_distortion: what was measured; None until it was.
    """

    name: str
    architecture: str
    arguments: Mapping[int | None, Mapping[str, Any]]
    paper: Paper
    metrics: tuple[str, ...] = ("mse", "ms-ssim")
    domain: Literal["image", "video"] = "image"
    quality_range: tuple[int, int] | None = None
    weights: tuple[Weights, ...] = ()
    training: Training | None = None
    rate_distortion: tuple[RateDistortion, ...] | None = None

    @property
    def variable_rate(self) -> bool:
        """Whether one network serves every quality, which is then given to `compress` and `decompress`."""
        return self.quality_range is not None

    @property
    def qualities(self) -> tuple[int, ...]:
        """Qualities that a network is made for; empty for a variable-rate model."""
        return tuple(quality for quality in self.arguments if quality is not None)

    @property
    def function_name(self) -> str:
        """Name of this model's function in `latentpress.zoo`."""
        return self.name.replace("-", "_")
