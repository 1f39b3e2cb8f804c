"""One image through one model."""

from typing import Any

import pytest
import torch
from torch import Tensor

from latentpress.evaluation import measure, ms_ssim, psnr
from latentpress.evaluation.images import to_eight_bits
from latentpress.models import MeanScaleHyperprior


class Recorder:
    """Not a module: keeps what it is given as strings of a known length, and gives back a constant."""

    downsampling_factor = 32

    def __init__(self, answer: float = 0.5) -> None:
        self.answer = answer
        self.calls: list[tuple[Tensor, dict[str, Any]]] = []

    def compress(self, x: Tensor, **rate: Any) -> dict[str, Any]:
        self.calls.append((x, rate))
        return {"strings": [[b"12345"], [[b"678"], [b"90"]]], "shape": x.shape}

    def decompress(self, strings: Any, shape: Any, **rate: Any) -> dict[str, Any]:
        self.calls.append((torch.empty(0), rate))
        return {"x_hat": torch.full(shape, self.answer)}

    def __call__(self, x: Tensor, **rate: Any) -> dict[str, Any]:
        self.calls.append((x, rate))
        likelihoods = {"y": torch.full((1, 10), 0.25), "deep": {"z": torch.full((4,), 0.5)}}
        return {"x_hat": torch.full_like(x, self.answer), "likelihoods": likelihoods}


@pytest.fixture(scope="module")
def model() -> MeanScaleHyperprior:
    torch.manual_seed(0)
    net = MeanScaleHyperprior(8, 12).eval()
    net.update()
    return net


def test_bits_are_those_of_all_strings_over_the_pixels_of_the_original() -> None:
    assert measure(Recorder(), torch.zeros(1, 3, 10, 20)).values["bpp"] == 8 * 10 / 200


def test_estimated_bits_are_those_of_all_likelihoods() -> None:
    measurement = measure(Recorder(), torch.zeros(1, 3, 10, 20), entropy_estimation=True)
    assert measurement.values["bpp"] == (10 * 2 + 4) / 200
    assert not [key for key in measurement.values if "time" in key]


def test_the_edge_is_repeated_up_to_the_models_factor() -> None:
    recorder, x = Recorder(), torch.rand(1, 3, 33, 64)
    measure(recorder, x)
    (padded, _), _ = recorder.calls
    assert padded.shape == (1, 3, 64, 64)
    assert torch.equal(padded[..., :33, :], x)
    assert torch.equal(padded[..., 33:, :], x[..., 32:, :].expand(-1, -1, 31, -1))


def test_the_quality_reaches_every_call() -> None:
    recorder, x = Recorder(), torch.zeros(1, 3, 32, 32)
    measure(recorder, x, quality=37)
    measure(recorder, x, quality=37, entropy_estimation=True)
    assert [rate for _, rate in recorder.calls] == [{"quality": 37}] * 3


def test_values_are_those_of_coding_by_hand(model: MeanScaleHyperprior) -> None:
    x = torch.rand(1, 3, 192, 256).mul(255).round().div(255)
    coded = model.compress(x)
    x_hat = to_eight_bits(model.decompress(coded["strings"], coded["shape"])["x_hat"])
    values = measure(model, x).values
    assert values["bpp"] == 8 * sum(len(latent[0]) for latent in coded["strings"]) / (192 * 256)
    assert values["psnr-rgb"] == pytest.approx(psnr(x, x_hat), abs=1e-9)
    assert values["ms-ssim-rgb"] == pytest.approx(ms_ssim(x, x_hat), abs=1e-7)


def test_times_add_up(model: MeanScaleHyperprior) -> None:
    values = measure(model, torch.rand(1, 3, 64, 64)).values
    for name in ("encoding_time", "decoding_time"):
        parts = [values[f"{name}_transforms"], values[f"{name}_entropy_coding"]]
        assert min(parts) > 0
        assert sum(parts) == pytest.approx(values[name])


def test_half_precision_models_are_given_half_precision(model: MeanScaleHyperprior) -> None:
    half = MeanScaleHyperprior(8, 12).eval()
    half.load_state_dict(model.state_dict())
    x = torch.rand(1, 3, 70, 90)
    exact, rounded = measure(model, x).values, measure(half.half(), x).values
    assert rounded["psnr-rgb"] == pytest.approx(exact["psnr-rgb"], abs=0.05)
    assert rounded["psnr-rgb"] != exact["psnr-rgb"]


def test_a_small_image_has_no_ms_ssim_and_says_why() -> None:
    measurement = measure(Recorder(), torch.zeros(1, 3, 160, 200))
    assert measurement.values["ms-ssim-rgb"] is None
    assert measurement.values["psnr-rgb"] is not None
    (note,) = measurement.notes
    assert "161" in note


def test_an_exact_reconstruction_has_no_psnr_and_says_why() -> None:
    measurement = measure(Recorder(answer=0.2), torch.full((1, 3, 161, 161), 0.2))
    assert measurement.values["psnr-rgb"] is None
    assert measurement.values["ms-ssim-rgb"] == 1
    assert "infinite" in measurement.notes[0]
