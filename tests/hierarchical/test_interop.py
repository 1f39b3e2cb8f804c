"""Agreement with recorded outputs of the published implementations."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from latentpress import zoo

LOSSY = ("qres34m", "qres17m")
ALL = (*LOSSY, "qres34m_lossless", "qarv_base", "rd_model_base")


@pytest.fixture(scope="module")
def recorded(interop: Path):
    """name -> model with seeded weights, its recorded arrays, its record, its image; one model at a time."""
    from seeded import fill_with_seeded_weights

    index = json.loads((interop / "index.json").read_text())
    kept: dict[str, tuple] = {}

    def load(name: str):
        if name not in kept:
            kept.clear()
            model = zoo.get_model(name).eval()
            fill_with_seeded_weights(model, index[name]["gains"])
            arrays = np.load(interop / f"{name}.npz")
            x = torch.from_numpy(arrays["x"]).permute(2, 0, 1)[None].float() / 255
            kept[name] = (model, arrays, index[name], x)
        return kept[name]

    return load


@pytest.mark.parametrize("name", ALL)
def test_keys_shapes_and_parameter_counts_are_the_published_ones(interop: Path, name: str) -> None:
    manifest = json.loads((interop / "state_dicts_lvae.json").read_text())[name]
    with torch.device("meta"):
        model = zoo.get_model(name)
    assert {key: list(value.shape) for key, value in model.state_dict().items()} == manifest["state_dict"]
    assert sum(p.numel() for p in model.parameters()) == manifest["parameters"]


@pytest.mark.parametrize("name", LOSSY)
@torch.no_grad()
def test_qres_evaluates_codes_and_decodes_as_recorded(recorded, name: str) -> None:
    model, arrays, record, x = recorded(name)
    out = model(x)
    assert np.allclose(out["kl_per_block"], record["kl_nats_per_block"], rtol=1e-4)
    assert float(out["bpp"]) == pytest.approx(record["stats"]["bppix"], rel=1e-4)
    assert float(out["loss"]) == pytest.approx(record["stats"]["loss"], rel=1e-4)
    assert float(out["psnr"]) == pytest.approx(record["stats"]["psnr"], abs=1e-3)
    assert np.allclose(out["x_hat"], arrays["forward_im_hat"], atol=1e-4)
    strings = [[arrays[f"string_{i}"].tobytes()] for i in range(model.num_latents)]
    decoded = model.decompress([*strings, record["latent_shape"]])
    assert np.allclose(decoded, arrays["decompress_im_hat"], atol=1e-4)
    ours = model.compress(x)
    assert ours[-1] == tuple(record["latent_shape"])
    assert all(abs(len(a[0]) - len(b[0])) <= 8 for a, b in zip(ours, strings, strict=False))


@torch.no_grad()
def test_the_lossless_model_evaluates_and_decodes_as_recorded(recorded) -> None:
    model, arrays, record, x = recorded("qres34m_lossless")
    out = model(x)
    assert np.allclose(out["kl_per_block"], record["kl_nats_per_block"], rtol=1e-4)
    assert float(out["mse"]) == pytest.approx(record["stats"]["nll"], rel=1e-4)
    assert np.allclose(out["x_hat"], arrays["forward_im_hat"], atol=1e-4)
    strings = [[arrays[f"string_{i}"].tobytes()] for i in range(model.num_strings)]
    decoded = model.decompress([*strings[:-1], record["latent_shape"], strings[-1]])
    levels = (decoded * 255).round() - (x * 255).round()
    # Means within float error of a tie between two levels rounded to the other one where this was recorded.
    assert float(levels.abs().max()) == 1
    assert int((levels != 0).sum()) <= 12  # of 73,728; 8 with the weights that AVX's random numbers make
    assert torch.equal(model.decompress(model.compress(x)), x)


@torch.no_grad()
def test_qarv_evaluates_codes_and_decodes_as_recorded(recorded) -> None:
    model, arrays, record, x = recorded("qarv_base")
    for lmb in (16, 256, 2048):
        out = model(x, lmb)
        expected = record[f"stats_{lmb}"]
        assert float(out["bpp"]) == pytest.approx(expected["bppix"], rel=1e-4)
        assert float(out["mse"]) == pytest.approx(expected["mse"], rel=1e-4)
        assert float(out["loss"]) == pytest.approx(expected["loss"], rel=1e-4)
        assert np.allclose(out["x_hat"], arrays[f"forward_im_hat_{lmb}"], atol=1e-4)
        if lmb == 256:
            assert np.allclose(out["kl_per_block"], record["kl_nats_per_block"], rtol=1e-4)
    stream = arrays["string_256"].tobytes()
    assert np.allclose(model.decompress(stream), arrays["decompress_im_hat_256"], atol=1e-4)
    assert abs(len(model.compress(x, 256)) - len(stream)) <= 16


@pytest.mark.slow
@torch.no_grad()
def test_the_bound_infers_its_first_latent_as_recorded(recorded) -> None:
    model, _, record, x = recorded("rd_model_base")
    out = model(x, 256)
    assert float(out["kl_per_block"][0]) == pytest.approx(record["kl_nats_per_block"][0], rel=1e-4)
