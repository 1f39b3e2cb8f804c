import csv
import inspect
import json
import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

from latentpress import zoo
from latentpress.errors import ConfigurationError
from latentpress.zoo import entries


@pytest.fixture
def table(interop) -> list[dict[str, str]]:
    with (interop / "weights_urls.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_sizes_by_quality_are_the_published_ones(interop):
    manifests = json.loads((interop / "state_dicts.json").read_text())
    for name, recipe in zoo.recipes.items():
        if "quality_to_args" in manifests.get(name, {}):
            published = {int(q): tuple(sizes) for q, sizes in manifests[name]["quality_to_args"].items()}
            ours = {
                q: tuple(sizes[k] for k in ("N", "M") if k in sizes) for q, sizes in recipe.arguments.items()
            }
            assert ours == published, name
    assert manifests.keys() <= zoo.recipes.keys()
    assert {*map(str, zoo.recipes["ssf2020"].arguments)} == {*"123456789"}


def test_every_published_file_of_a_recipe_is_known_with_its_hash(table):
    for name, recipe in zoo.recipes.items():
        ours = {(w.metric, str(w.quality)): w.url for w in recipe.weights if not w.bundled}
        assert ours == {(r["metric"], r["quality"]): r["url"] for r in table if r["architecture"] == name}
        for weights in recipe.weights:
            assert weights.bundled or weights.file.endswith(f"-{weights.sha256}.pth.tar")


def test_the_table_of_published_weights_is_whole(table):
    names = {row["architecture"] for row in table}
    assert sum(len(zoo.published_weights(name)) for name in names) == len(table)
    assert zoo.published_weights("ssf2020")[8].file == "ssf2020-mse-9-e89345c4.pth.tar"
    assert zoo.published_weights("qres34m")[0].quality == "lmb=16"
    assert zoo.published_weights("qres34m_lossless")[0].quality is None
    assert zoo.published_weights("unheard-of") == ()


def test_the_trade_off_of_each_quality_is_recorded():
    lmbda = zoo.recipes["mbt2018"].training.lmbda
    assert (lmbda["mse"][1], lmbda["mse"][8]) == (0.0018, 0.18)
    assert (lmbda["ms-ssim"][1], lmbda["ms-ssim"][8]) == (2.4, 220.0)
    assert max(zoo.recipes["cheng2020-attn"].training.lmbda["mse"]) == 6


def test_a_record_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        zoo.recipes["mbt2018"].name = "mine"


def test_each_model_has_a_function_of_its_name():
    for name, function in zoo.models.items():
        assert getattr(zoo, name.replace("-", "_")) is function
        assert function.__name__ in dir(zoo)
        assert name in function.__doc__
        signature = list(inspect.signature(function).parameters)
        assert signature == ["quality", "metric", "pretrained", "progress", "kwargs"]
    assert zoo.models.keys() == {*zoo.model_architectures}
    assert zoo.image_models.keys() | zoo.video_models.keys() == zoo.models.keys()
    assert zoo.image_models.keys().isdisjoint(zoo.video_models)
    assert "ssf2020" in zoo.video_models
    with pytest.raises(AttributeError, match="mbt2019"):
        zoo.mbt2019  # noqa: B018


@pytest.mark.parametrize("name", ["mbt2018-mean", "mbt2018_mean"])
def test_a_recipe_is_found_by_its_name_with_either_joint(name):
    assert zoo.find_recipe(name).name == "mbt2018-mean"


def test_an_unknown_name_is_answered_with_a_close_one_and_the_list():
    with pytest.raises(ConfigurationError, match=r"did you mean mbt2018-mean\?") as caught:
        zoo.find_recipe("mbt2018-maen")
    assert all(name in str(caught.value) for name in zoo.recipes)
    with pytest.raises(ConfigurationError) as caught:
        zoo.find_recipe("zzzzzzzz")
    assert "did you mean" not in str(caught.value)


def test_one_new_file_is_a_new_model(tmp_path, monkeypatch):
    (tmp_path / "own2030.py").write_text(
        "from latentpress.zoo.records import Paper, Recipe\n"
        "RECIPES = (Recipe('own2030', 'collections:OrderedDict', {1: {}}, Paper('t', 'a', 'v', 'u')),)\n"
    )
    monkeypatch.setattr(entries, "__path__", [*entries.__path__, str(tmp_path)])
    found = entries.collect()
    del sys.modules["latentpress.zoo.entries.own2030"]
    assert {*found} == {*zoo.recipes, "own2030"}
    assert found["own2030"].function_name == "own2030"


def test_the_zoo_is_imported_without_any_architecture():
    code = "import latentpress.zoo as z, sys; z.list_models(); print('latentpress.models' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"
