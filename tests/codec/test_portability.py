"""Files decode on processors other than the one that made them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from latentpress.codec import ImageCodec, Picture, read_container
from latentpress.models import (
    CompressionModel,
    Elic2022Official,
    GainedHyperprior,
    JointAutoregressiveHierarchicalPriors,
    MeanScaleHyperprior,
)
from other_processor import run_on_other_processor

MODELS = {
    "default": lambda: GainedHyperprior(widths=(8, 8), M=24, N=16, depths=(1, 1, 1)),
    "mean": lambda: MeanScaleHyperprior(N=24, M=32),
    "autoregressive": lambda: JointAutoregressiveHierarchicalPriors(N=24, M=32),
    "elic": lambda: Elic2022Official(N=16, M=24, groups=[8, 16]),
}


def _codec(name: str, weights: dict[str, torch.Tensor] | None = None) -> ImageCodec:
    model: CompressionModel = MODELS[name]().eval()
    if weights is None:
        for parameter in model.parameters():  # fresh networks hardly predict anything
            with torch.no_grad():
                parameter.mul_(1.5)
        model.update(force=True)
    else:
        model.load_state_dict(weights)
    return ImageCodec(model, name, quality_range=(1, 100) if name == "default" else None)


def _latent(codec: ImageCodec, file: bytes) -> np.ndarray:
    """What the synthesis transform of the codec sees when it decodes a file."""
    seen: list[torch.Tensor] = []
    with codec._model.g_s.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
        codec.decode(read_container(file))
    (latent,) = seen
    return latent.contiguous().numpy()


@pytest.mark.parametrize("name", MODELS)
def test_files_decode_to_the_same_latents_on_a_processor_without_wide_vectors(
    name: str, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    codec = _codec(name)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    file = codec.encode(codec.prepare(Picture(pixels)))
    torch.save(codec._model.state_dict(), tmp_path / "weights.pt")
    (tmp_path / "picture.ltp").write_bytes(file)
    run_on_other_processor(__file__, name, tmp_path)
    assert np.array_equal(np.load(tmp_path / "latent.npy"), _latent(codec, file))


def _decode(name: str, folder: Path) -> None:
    codec = _codec(name, torch.load(folder / "weights.pt", weights_only=True))
    np.save(folder / "latent.npy", _latent(codec, (folder / "picture.ltp").read_bytes()))


if __name__ == "__main__":
    _decode(sys.argv[1], Path(sys.argv[2]))
