"""Files of hierarchies decode, to the bit, on processors other than the one that made them."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_hierarchies import SMALL_QARV, SMALL_QRES, output_of, scrambled

from latentpress.codec.container import read_container
from latentpress.codec.hierarchical import HierarchicalCodec
from latentpress.codec.images import Picture
from latentpress.models.hierarchical import FIXED_POINT, FLOAT32, QARV, CodingHierarchy, LosslessQResVAE
from latentpress.models.hierarchical.arithmetic import kernel_version
from latentpress.models.hierarchical.embedding import sinusoidal_features
from other_processor import run_on_other_processor

MODELS = {"qarv": lambda: QARV(SMALL_QARV), "lossless": lambda: LosslessQResVAE(SMALL_QRES)}


def _codec(name: str, weights: dict[str, torch.Tensor] | None = None) -> HierarchicalCodec:
    model: CodingHierarchy = MODELS[name]()
    if weights is None:
        scrambled(model)
    else:
        model.load_state_dict(weights)
    model.compress_mode()
    return HierarchicalCodec(model, name)


@pytest.mark.parametrize("arithmetic", [FLOAT32, FIXED_POINT])
@pytest.mark.parametrize("name", MODELS)
def test_files_decode_to_the_same_bits_on_a_processor_without_wide_vectors(
    name: str, arithmetic: str, tmp_path: Path
) -> None:
    codec = _codec(name)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    file = codec.encode_picture(Picture(pixels), 333.3 if name == "qarv" else None, arithmetic)
    torch.save(codec.model.state_dict(), tmp_path / "weights.pt")
    (tmp_path / "picture.ltp").write_bytes(file)
    run_on_other_processor(__file__, name, tmp_path)
    assert np.array_equal(np.load(tmp_path / "output.npy"), output_of(codec, file))
    decoded = np.load(tmp_path / "pixels.npy")
    assert np.array_equal(codec.decode_picture(read_container(file)).colour, decoded)
    if name == "lossless":
        assert np.array_equal(decoded, pixels)


def test_the_features_of_lambda_are_those_of_training() -> None:
    lmbs = torch.tensor([1.0, 4.0, 16.0, 333.3, 2048.0])
    trained_with = sinusoidal_features(lmbs.requires_grad_())
    with torch.no_grad():
        assert torch.allclose(sinusoidal_features(lmbs), trained_with, rtol=0, atol=1e-7)


def _decode(name: str, folder: Path) -> None:
    codec = _codec(name, torch.load(folder / "weights.pt", weights_only=True))
    file = (folder / "picture.ltp").read_bytes()
    with kernel_version("portable"):
        np.save(folder / "pixels.npy", codec.decode_picture(read_container(file)).colour)
        np.save(folder / "output.npy", output_of(codec, file))


if __name__ == "__main__":
    _decode(sys.argv[1], Path(sys.argv[2]))
