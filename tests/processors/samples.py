"""Small models of every kind, the files that one process writes with them, and what another decodes.

Run as a program, one process a step: `make` the weights once, since random numbers need not be the same
everywhere, then `write` and `read` at each level.
"""

import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from small_hierarchies import SMALL_QARV, SMALL_QRES, output_of, scrambled

from latentpress import zoo
from latentpress.codec import ImageCodec, Picture, read_container
from latentpress.codec.hierarchical import HierarchicalCodec
from latentpress.codec.models import load_codec
from latentpress.codec.video import VideoDecoder, VideoEncoder, VideoFrames, VideoReader
from latentpress.datasets.clip import ClipInfo, Colour
from latentpress.datasets.rawformat import RawFormat
from latentpress.models.hierarchical import QARV, LosslessQResVAE, QResVAE
from latentpress.models.hierarchical.arithmetic import ARITHMETICS
from latentpress.zoo.architectures import architecture, recipes
from small_videos import moving

SMALL: dict[str, dict[str, Any]] = {
    "Cheng2020Anchor": {"N": 8},
    "Cheng2020AnchorCheckerboard": {"N": 8},
    "Cheng2020Attention": {"N": 8},
    "Elic2022Official": {"N": 16, "M": 24, "groups": [8, 16]},
    "GainedHyperprior": {"widths": (8, 8), "M": 24, "N": 16, "depths": (1, 1, 1)},
}
HIERARCHIES: dict[str, Callable[[], Any]] = {
    "qarv": lambda: QARV(SMALL_QARV),
    "qres": lambda: QResVAE(SMALL_QRES),
    "lossless": lambda: LosslessQResVAE(SMALL_QRES),
}
ENCODERS = {"g_a": 3, "img_encoder": 3, "motion_encoder": 6, "res_encoder": 3}  # and their channels
CLIP = RawFormat(150, 100)


def fresh_models() -> Iterator[tuple[str, Any]]:
    """A small model with random weights for every architecture of the zoo, and for every hierarchy."""
    for name, recipe in recipes.items():
        if recipe.domain in ("image", "video"):
            cls = architecture(recipe)
            torch.manual_seed(1)
            model = cls(**SMALL.get(cls.__name__, {"N": 16, "M": 24})).eval()
            with torch.no_grad():
                for parameter in model.parameters():  # fresh networks hardly predict anything
                    parameter.mul_(1.5)
                for part, channels in ENCODERS.items():
                    if hasattr(model, part):
                        _enliven(getattr(model, part), channels)
            model.update(force=True)
            yield name, model
    for name, make in HIERARCHIES.items():
        model = scrambled(make())
        model.compress_mode()
        yield name, model


def _enliven(encoder: torch.nn.Module, channels: int) -> None:
    """Gives an analysis transform latents of magnitude 3 or so: those of a fresh one round to zero."""
    last = [module for module in encoder.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    last.weight.mul_(3 / encoder(torch.rand(1, channels, 64, 64)).std())


def picture() -> Picture:
    """The bundled photograph, small, with sides that no network's step divides."""
    stored = Path(zoo.__file__).parents[1] / "assets/demo.png"
    with Image.open(stored) as image:
        return Picture(np.asarray(image.convert("RGB").crop((40, 30, 240, 166))))


@contextmanager
def _inputs_of(*modules: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """What modules are called with from here on, in order."""
    seen: list[torch.Tensor] = []
    hooks = [module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])) for module in modules]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _digest(*arrays: np.ndarray) -> str:
    found = hashlib.sha256()
    for array in arrays:
        found.update(str((array.shape, array.dtype)).encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


class ImageSample:
    """A picture by an image model: latents are the same everywhere, pixels nearly."""

    pixels_to_the_bit = False

    def __init__(self, codec: ImageCodec) -> None:
        self._codec = codec

    def write(self) -> bytes:
        return self._codec.encode(self._codec.prepare(picture()))

    def read(self, file: bytes) -> tuple[str, np.ndarray]:
        with _inputs_of(self._codec._model.g_s) as latents:
            pixels = self._codec.decode(read_container(file)).colour
        return _digest(*(latent.numpy() for latent in latents)), pixels


class HierarchySample:
    """A picture by a hierarchy in one arithmetic: all is the same everywhere."""

    pixels_to_the_bit = True

    def __init__(self, codec: HierarchicalCodec, arithmetic: str) -> None:
        self._codec = codec
        self._arithmetic = arithmetic

    def write(self) -> bytes:
        return self._codec.encode_picture(picture(), None, self._arithmetic)

    def read(self, file: bytes) -> tuple[str, np.ndarray]:
        pixels = self._codec.decode_picture(read_container(file)).colour
        return _digest(output_of(self._codec, file)), pixels


class VideoSample:
    """A clip with two keyframes: latents are the same everywhere, pixels nearly."""

    pixels_to_the_bit = False

    def __init__(self, model: Any) -> None:
        self._codec = VideoFrames(model, "video")
        self._frames = list(moving(5, CLIP))
        self._synthesis = (model.img_decoder, model.motion_decoder, model.res_decoder)

    def write(self) -> bytes:
        file = io.BytesIO()
        encoder = VideoEncoder(file, ClipInfo(CLIP, Colour("bt601")), self._codec, gop=3)
        for frame in self._frames:
            encoder.add(frame)
        encoder.close()
        return file.getvalue()

    def read(self, file: bytes) -> tuple[str, np.ndarray]:
        decoder = VideoDecoder(VideoReader(io.BytesIO(file)), self._codec)
        with _inputs_of(*self._synthesis) as latents:
            frames = list(decoder.frames())
        pixels = np.concatenate([plane.ravel() for frame in frames for plane in frame.planes])
        return _digest(*(latent.numpy() for latent in latents)), pixels


Sample = ImageSample | HierarchySample | VideoSample


def samples(folder: Path) -> Iterator[tuple[str, Sample]]:
    """Everything that is written and read, by name, with the weights of `make` in `folder`."""
    for name, model in torch.load(folder / "models.pt", weights_only=False).items():
        if name in HIERARCHIES:
            codec = HierarchicalCodec(model, name)
            for arithmetic in ARITHMETICS:
                yield f"{name} in {arithmetic}", HierarchySample(codec, arithmetic)
        elif recipes[name].domain == "video":
            yield name, VideoSample(model)
        else:
            gained = name == zoo.DEFAULT_MODEL
            yield (
                f"small {name}",
                ImageSample(ImageCodec(model, name, quality_range=(1, 100) if gained else None)),
            )
    yield zoo.DEFAULT_MODEL, ImageSample(load_codec())


def write(folder: Path, level: str) -> None:
    """Writes one file of every kind."""
    for name, sample in samples(folder):
        (folder / level / f"{name}.ltp").write_bytes(sample.write())


def read(folder: Path, level: str, writers: dict[str, list[int]]) -> None:
    """Stores what decodes from the files of each writer with each of its numbers of threads.

    That is digests and pixels, by "threads/writer/kind". Equal files are decoded once for each count.
    """
    digests: dict[str, str] = {}
    pixels: dict[str, np.ndarray] = {}
    for name, sample in samples(folder):
        known: dict[tuple[int, bytes], tuple[str, np.ndarray]] = {}
        for writer, threads in writers.items():
            file = (folder / writer / f"{name}.ltp").read_bytes()
            for count in threads:
                torch.set_num_threads(count)
                if (count, file) not in known:
                    known[count, file] = sample.read(file)
                bits, shown = known[count, file]
                key = f"{count}/{writer}/{name}"
                digests[key] = bits + (_digest(shown) if sample.pixels_to_the_bit else "")
                pixels[key] = shown
    np.savez(folder / level / "pixels.npz", **pixels)
    (folder / level / "digests.json").write_text(json.dumps(digests))


def _main(step: str, folder: Path, *arguments: str) -> None:
    if os.environ.get("LATENTPRESS_CPU") == "portable":
        torch.backends.mkldnn.set_flags(False)  # which some builds of PyTorch lack
    if step == "make":
        torch.save(dict(fresh_models()), folder / "models.pt")
    elif step == "write":
        write(folder, *arguments)
    else:
        level, writers = arguments
        read(folder, level, json.loads(writers))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
