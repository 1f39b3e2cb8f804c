"""Scale-space flow with known weights against the recorded outputs of the public implementation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from latentpress.models.video import ScaleSpaceFlow

CLOSE = 1e-4


class Recording:
    """What was recorded: three frames, and strings and shapes of each."""

    def __init__(self, folder: Path) -> None:
        self.entry: dict[str, Any] = json.loads((folder / "index.json").read_text())["ssf2020"]
        self.arrays = np.load(folder / "ssf2020.npz")
        self.frames = [torch.from_numpy(x).permute(2, 0, 1)[None].float() / 255 for x in self.arrays["x"]]
        inter = [
            {part: self._strings(f"{frame}.{part}") for part in ("motion", "residual")} for frame in (1, 2)
        ]
        self.strings = [self._strings("0"), *inter]

    def _strings(self, path: str) -> list[list[bytes]]:
        return [[self.arrays[f"string_{path}.{latent}.0"].tobytes()] for latent in (0, 1)]

    def error(self, found: list[Tensor], name: str) -> float:
        """Largest difference from the recorded frames, relative to their largest value."""
        expected = torch.from_numpy(self.arrays[name])
        return float((torch.cat(found) - expected).abs().max() / expected.abs().max())


@pytest.fixture(scope="module")
def recording(interop: Path) -> Recording:
    return Recording(interop)


@pytest.fixture(scope="module")
def net(recording: Recording) -> ScaleSpaceFlow:
    from seeded import fill_with_seeded_weights

    net = ScaleSpaceFlow(*recording.entry["args"])
    fill_with_seeded_weights(net, recording.entry["gains"])
    net.eval()
    net.update()
    return net


def test_the_forward_pass_agrees(recording, net):
    with torch.no_grad():
        out = net(recording.frames)
    assert recording.error(out["x_hat"], "forward_x_hat") < CLOSE
    for likelihoods, recorded in zip(out["likelihoods"], recording.entry["bits"], strict=True):
        assert likelihoods.keys() == recorded.keys()
        for part, by_latent in likelihoods.items():
            bits = {name: -values.double().log2().sum().item() for name, values in by_latent.items()}
            assert bits == pytest.approx(recorded[part], rel=CLOSE)


def test_recorded_strings_decode_to_the_recorded_frames(recording, net):
    found = net.decompress(recording.strings, recording.entry["shapes"])
    assert recording.error(found, "decompress_x_hat") < CLOSE


def test_our_strings_are_as_long_and_have_the_same_shapes(recording, net):
    strings, shapes = net.compress(recording.frames)
    assert json.loads(json.dumps(shapes)) == recording.entry["shapes"]
    for ours, theirs in zip(strings, recording.strings, strict=True):
        parts = [(ours, theirs)] if isinstance(ours, list) else [(ours[p], theirs[p]) for p in theirs]
        for own, recorded in parts:
            assert [len(s) for (s,) in own] == pytest.approx([len(s) for (s,) in recorded], abs=8)


def test_keys_and_shapes_are_the_published_ones(interop):
    published = json.loads((interop / "state_dicts.json").read_text())["ssf2020"]["configs"]["()"]
    with torch.device("meta"):
        net = ScaleSpaceFlow()
    assert {key: list(value.shape) for key, value in net.state_dict().items()} == published["state_dict"]
    assert sum(parameter.numel() for parameter in net.parameters()) == published["parameters"]
