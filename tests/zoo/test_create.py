import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from latentpress import zoo
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.models import MeanScaleHyperprior
from latentpress.zoo import Weights, build, bundled

SMALL = {"N": 8, "M": 12}


@pytest.fixture
def published(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MeanScaleHyperprior:
    """A small model whose checkpoint the local server publishes as that of mbt2018-mean, quality 2, mse."""
    net = MeanScaleHyperprior(**SMALL).eval()
    net.update()
    torch.save({"state_dict": net.state_dict()}, tmp_path / "net.pth.tar")
    body = (tmp_path / "net.pth.tar").read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    weights = Weights("mse", 2, f"small-2-{digest[:8]}.pth.tar", "", digest[:8], "CC0-1.0")
    server.files[weights.file] = body
    recipe = zoo.recipes["mbt2018-mean"]
    weights = replace(weights, url=f"{server.url}/{weights.file}")
    monkeypatch.setitem(zoo.recipes, recipe.name, replace(recipe, weights=(weights,)))
    return net


@pytest.mark.parametrize(
    ("function", "quality", "sizes"),
    [
        (zoo.bmshj2018_factorized, 5, (128, 192)),
        (zoo.bmshj2018_factorized_relu, 6, (192, 320)),
        (zoo.bmshj2018_hyperprior, 8, (192, 320)),
        (zoo.mbt2018_mean, 4, (128, 192)),
        (zoo.mbt2018_mean, 5, (192, 320)),
    ],
)
def test_a_function_makes_its_model_in_the_size_of_the_quality(function, quality, sizes):
    net = function(quality)
    assert sizes == (net.N, net.M)
    assert type(net) is zoo.model_architectures[function.__name__.replace("_", "-")]
    assert net.training


def test_constructor_arguments_replace_those_of_the_recipe():
    assert zoo.mbt2018_mean(1, "ms-ssim", N=16).N == 16


def test_a_created_model_is_ready_to_code():
    net = zoo.create("bmshj2018_factorized", quality=1, **SMALL)
    assert not net.training
    coded = net.compress(torch.rand(1, 3, 64, 64))
    assert net.decompress(coded["strings"], coded["shape"])["x_hat"].shape == (1, 3, 64, 64)


def test_pretrained_weights_are_downloaded_once_and_loaded(published, server):
    for _ in range(2):
        net = zoo.create("mbt2018-mean", quality=2, pretrained=True, progress=False, **SMALL)
        assert zoo.fingerprint(net) == zoo.fingerprint(published)
    by_function = build.model_function(zoo.recipes["mbt2018-mean"])
    net = by_function(2, pretrained="published", progress=False, **SMALL)
    assert zoo.fingerprint(net) == zoo.fingerprint(published)
    assert len(server.requests) == 1


def test_pretrained_weights_that_do_not_fit_the_given_sizes_are_an_error(published):
    with pytest.raises(WeightsError, match="does not fit MeanScaleHyperprior"):
        zoo.create("mbt2018-mean", quality=2, pretrained=True, progress=False, N=16, M=12)


def test_pretrained_weights_without_a_network_are_an_error_that_says_where_to_put_them(
    monkeypatch, nobody_there
):
    monkeypatch.setenv("LATENTPRESS_WEIGHTS_URL", nobody_there)
    with pytest.raises(WeightsError) as caught:
        zoo.mbt2018_mean(1, pretrained=True, progress=False)
    for part in ("mbt2018-mean-1-e522738d.pth.tar", nobody_there, str(zoo.cache_directory())):
        assert part in str(caught.value)


@pytest.mark.parametrize("quality", [0, 9, -1, 1.5, "3", None, True, [1]])
def test_an_invalid_quality_is_answered_with_the_valid_ones(quality):
    with pytest.raises(ConfigurationError, match="1, 2, 3, 4, 5, 6, 7 or 8"):
        zoo.mbt2018_mean(quality)


def test_an_invalid_metric_is_answered_with_the_valid_ones():
    with pytest.raises(ConfigurationError, match="mse or ms-ssim"):
        zoo.create("mbt2018-mean", quality=1, metric="psnr")


def test_an_invalid_name_is_answered_with_a_close_one():
    with pytest.raises(ConfigurationError, match="did you mean bmshj2018-hyperprior"):
        zoo.create("bmshj2018-hyperprio", quality=1)


def test_an_invalid_argument_is_answered_with_the_valid_ones():
    with pytest.raises(ConfigurationError, match=r"N.*M.*found 'width'"):
        zoo.mbt2018_mean(1, width=3)
    with pytest.raises(ConfigurationError, match="N='many'"):
        zoo.mbt2018_mean(1, N="many")


def test_weights_that_nobody_published_are_an_error_that_lists_those_there_are(published):
    with pytest.raises(WeightsError, match="found none:"):
        zoo.bmshj2018_factorized_relu(1, pretrained=True)
    with pytest.raises(WeightsError, match="found quality 2 of metric mse:"):
        zoo.create("mbt2018-mean", quality=2, metric="ms-ssim", pretrained=True)
    with pytest.raises(WeightsError, match="found none:"):
        zoo.create("mbt2018-mean", quality=2, pretrained="latentpress")


def test_an_origin_of_weights_that_does_not_exist_is_an_error():
    with pytest.raises(ConfigurationError, match=r"published or latentpress.*checkpoint=path"):
        zoo.mbt2018_mean(1, pretrained="weights.pth")


def test_a_checkpoint_brings_its_own_sizes(published, tmp_path):
    zoo.save_checkpoint(published, tmp_path / "net.safetensors")
    for name in ("net.safetensors", "net.pth.tar"):
        net = zoo.create("mbt2018-mean", checkpoint=tmp_path / name)
        assert zoo.fingerprint(net) == zoo.fingerprint(published)
        for unwanted in ({"pretrained": True}, {"N": 8}, {"quality": 2}):
            with pytest.raises(ConfigurationError, match=f"leave {next(iter(unwanted))} out"):
                zoo.create("mbt2018-mean", checkpoint=tmp_path / name, **unwanted)


def test_the_variable_rate_codec_takes_its_quality_later():
    with pytest.raises(ConfigurationError, match=r"quality=30 to compress and decompress"):
        zoo.latentpress2026(30)
    with pytest.raises(ConfigurationError, match="Expected metric mse"):
        zoo.latentpress2026(metric="ms-ssim")
    net = zoo.create(zoo.DEFAULT_MODEL)
    coded = net.compress(torch.rand(1, 3, 64, 64), quality=30)
    assert net.decompress(coded["strings"], coded["shape"], quality=30)["x_hat"].shape == (1, 3, 64, 64)


def test_bundled_weights_are_loaded_without_a_network(tmp_path, monkeypatch):
    small = {"widths": [8, 8], "M": 16, "N": 8, "depths": [1, 1, 1]}
    net = zoo.create("latentpress2026", **small)
    zoo.save_checkpoint(net, tmp_path / "latentpress2026.safetensors", arguments=small)
    digest = hashlib.sha256((tmp_path / "latentpress2026.safetensors").read_bytes()).hexdigest()
    (tmp_path / "latentpress2026.json").write_text(json.dumps({"sha256": digest, "licence": "Apache-2.0"}))
    monkeypatch.setattr(bundled, "_directory", lambda: tmp_path)
    loaded = zoo.create("latentpress2026", pretrained=True, **small)
    assert zoo.fingerprint(loaded) == zoo.fingerprint(net)
    assert zoo.fingerprint(zoo.load_checkpoint(tmp_path / "latentpress2026.safetensors")) == zoo.fingerprint(
        net
    )
