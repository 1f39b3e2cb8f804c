"""Latents that are optimised for one image."""

from importlib.resources import files

import pytest
import torch

from latentpress import zoo
from latentpress.datasets.reading import open_rgb
from latentpress.errors import ConfigurationError
from latentpress.models import FactorizedPrior, MeanScaleHyperprior
from latentpress.models.optimised_latents import MARGIN, WINDOW, Objective, _windows, optimise_latent
from latentpress.transforms import ToTensor


def _image(height: int = 64, width: int = 128) -> torch.Tensor:
    torch.manual_seed(1)
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 5, 7), (height, width), mode="bilinear")
    return (smooth + 0.05 * torch.randn(1, 3, height, width)).clamp(0, 1)


def _cost(model, x, y, objective, options) -> float:
    with torch.no_grad():
        coded = model.make_latent_codec(**options)(y)
        bits = sum(-p.log2().sum() for p in coded["likelihoods"].values()) / x[0, 0].numel()
        return float(objective.distortion(model.g_s(coded["y_hat"]).clamp(0, 1), x) + bits)


@pytest.mark.parametrize(("metric", "share"), [("mse", 0.985), ("ms-ssim", 0.999)])
def test_the_image_costs_less_in_what_is_minimised(metric: str, share: float) -> None:
    model = zoo.create(zoo.DEFAULT_MODEL, pretrained=True).eval()
    with open_rgb(files("latentpress").joinpath("assets/demo.png")) as photograph:
        x = ToTensor()(photograph.crop((100, 100, 292, 292)))[None]
    options = {"rate": torch.tensor([3.0])}
    objective = Objective(float(model.lmbda(options["rate"])) if metric == "mse" else 20.0, metric)
    y = model.analyse(x)
    found = optimise_latent(model, x, y, objective, 20, options=options)
    assert _cost(model, x, found, objective, options) < share * _cost(model, x, y, objective, options)


@pytest.mark.parametrize("make", [lambda: MeanScaleHyperprior(8, 12), lambda: FactorizedPrior(8, 12)])
def test_models_of_one_rate_can_be_optimised_for_too(make) -> None:
    torch.manual_seed(0)
    model, x = make().eval(), _image()
    model.update(update_quantiles=True)
    objective = Objective(0.1)
    y = 4 * model.analyse(x)
    found = optimise_latent(model, x, y, objective, 12)
    assert _cost(model, x, found, objective, {}) < _cost(model, x, y, objective, {})


def test_the_same_seed_gives_the_same_latent_and_progress_ends_at_one() -> None:
    torch.manual_seed(0)
    model, x = MeanScaleHyperprior(8, 12).eval(), _image()
    y, told = 4 * model.analyse(x), []
    first = optimise_latent(model, x, y, Objective(0.1), 25, seed=5, on_step=told.append)
    assert torch.equal(first, optimise_latent(model, x, y, Objective(0.1), 25, seed=5))
    assert not torch.equal(first, optimise_latent(model, x, y, Objective(0.1), 25, seed=6))
    assert told == [pytest.approx(step / 25) for step in range(1, 26)]


@pytest.mark.parametrize("size", [(64, 64), (1024, 1536), (3136, 4032)])
def test_windows_keep_every_latent_once_and_are_bounded(size: tuple[int, int]) -> None:
    counts = torch.zeros(size[0] // 16, size[1] // 16)
    for window in _windows(*size, 16):
        counts[window.kept_rows, window.kept_columns] += 1
        assert window.rows.start % 4 == window.columns.start % 4 == 0  # of the side information
        for side in (window.rows, window.columns):
            assert side.stop - side.start <= (1.5 * WINDOW + 2 * MARGIN) / 16
    assert (counts == 1).all()


def test_several_images_at_once_are_refused() -> None:
    model = FactorizedPrior(8, 12).eval()
    with pytest.raises(ConfigurationError, match="one image"):
        optimise_latent(model, torch.rand(2, 3, 64, 64), torch.rand(2, 12, 4, 4), Objective(1.0), 1)
