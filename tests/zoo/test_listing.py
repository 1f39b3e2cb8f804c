import json

from latentpress import zoo
from latentpress.zoo import RateDistortion, bundled


def by_name() -> dict[str, zoo.ModelInfo]:
    return {info.name: info for info in zoo.list_models()}


def test_every_model_is_listed_in_order():
    assert list(by_name()) == sorted(zoo.models)
    info = by_name()["cheng2020-attn"]
    assert (info.domain, info.qualities, info.quality_range) == ("image", (1, 2, 3, 4, 5, 6), None)
    assert info.metrics == ("mse", "ms-ssim")
    assert "CVPR 2020" in str(info.paper)


def test_weights_are_listed_as_downloadable_until_they_are_in_the_cache(cache):
    assert set(by_name()["mbt2018"].weights.values()) == {"downloadable"}
    cache.mkdir()
    (cache / "mbt2018-2-43b70cdd.pth.tar").touch()
    weights = by_name()["mbt2018"].weights
    assert [key for key, status in weights.items() if status == "cached"] == [("mse", 2)]
    assert by_name()["bmshj2018-factorized-relu"].weights == {}


def test_the_default_codec_is_listed_as_bundled_and_variable():
    info = by_name()[zoo.DEFAULT_MODEL]
    assert info.weights == {("mse", None): "bundled"}
    assert (info.qualities, info.quality_range) == ((), (1, 100))


def test_parameters_are_counted_as_published(interop):
    manifests = json.loads((interop / "state_dicts.json").read_text())
    for name in ("bmshj2018-factorized", "bmshj2018-factorized-relu", "bmshj2018-hyperprior", "mbt2018-mean"):
        sizes = manifests[name]["quality_to_args"]
        published = manifests[name]["configs"]
        expected = {int(q): published[str(tuple(args))]["parameters"] for q, args in sizes.items()}
        assert by_name()[name].parameters == expected


def test_measured_points_come_from_the_record_beside_bundled_weights(tmp_path, monkeypatch):
    point = {"dataset": "kodak", "metric": "mse", "quality": 50, "bpp": 0.5, "psnr": 33.0}
    record = {"sha256": "0" * 64, "licence": "Apache-2.0", "rate_distortion": [point]}
    (tmp_path / "latentpress2026.json").write_text(json.dumps(record))
    monkeypatch.setattr(bundled, "_directory", lambda: tmp_path)
    assert by_name()["latentpress2026"].rate_distortion == (RateDistortion(**point),)
    assert by_name()["mbt2018"].rate_distortion == ()
