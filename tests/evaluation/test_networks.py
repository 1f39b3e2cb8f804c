"""From a model, qualities and checkpoints to points, and from records to models."""

from pathlib import Path

import pytest
import torch
from torch import nn

from latentpress import zoo
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.evaluation import Network, curve_name, plan_subjects

OWN = """
import torch
from torch import nn
from latentpress.models import MeanScaleHyperprior

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))

class Sized(MeanScaleHyperprior):
    pass

number = 3
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module in the working directory with classes that the zoo does not know."""
    (tmp_path / "own_models_of_a_user.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "own_models_of_a_user"


def test_a_model_of_many_networks_has_a_point_for_each() -> None:
    subjects = plan_subjects("mbt2018_mean", metric="ms-ssim")
    assert [subject.network.quality for subject in subjects] == list(range(1, 9))
    assert {(s.network.model, s.network.metric, s.quality) for s in subjects} == {
        ("mbt2018-mean", "ms-ssim", None)
    }


def test_a_variable_rate_model_is_one_network_at_several_rates() -> None:
    subjects = plan_subjects("latentpress2026", qualities=[10, 37.5])
    assert len({subject.network for subject in subjects}) == 1
    assert [subject.label for subject in subjects] == ["quality 10", "quality 37.5"]
    assert len(plan_subjects("latentpress2026")) == 5


def test_each_checkpoint_is_a_point_or_a_set_of_rates() -> None:
    assert [s.label for s in plan_subjects("mbt2018", checkpoints=["a", "b"])] == ["a", "b"]
    labels = [s.label for s in plan_subjects("latentpress2026", checkpoints=["a", "b"], qualities=[1, 2])]
    assert labels == ["a, quality 1", "a, quality 2", "b, quality 1", "b, quality 2"]


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        ("mbt2018-meen", {}, "mbt2018-mean"),
        ("mbt2018", {"qualities": [2.5]}, "2.5"),
        ("mbt2018", {"qualities": [2], "checkpoints": ["a"]}, "one rate"),
    ],
)
def test_what_makes_no_points_is_an_error(model: str, given: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        plan_subjects(model, **given)


def test_a_checkpoint_is_loaded_ready_to_compress(fixed_rate: Path) -> None:
    model = Network("mbt2018-mean", checkpoint=fixed_rate).load()
    assert not model.training
    assert len(model.compress(torch.rand(1, 3, 64, 64))["strings"]) == 2
    assert Network("mbt2018-mean", checkpoint=fixed_rate, half=True).load().g_a[0].weight.dtype == torch.half


def test_tables_are_rebuilt_only_when_asked(fixed_rate: Path, tmp_path: Path) -> None:
    model = zoo.load_checkpoint(fixed_rate)
    right = model.entropy_bottleneck._quantized_cdf.clone()
    model.entropy_bottleneck._quantized_cdf.zero_()
    zoo.save_checkpoint(model, tmp_path / "stale.safetensors")
    for update in (False, True):
        loaded = Network("mbt2018-mean", checkpoint=tmp_path / "stale.safetensors", update=update).load()
        assert torch.equal(loaded.entropy_bottleneck._quantized_cdf, right) is update


def test_an_unknown_device_is_named() -> None:
    with pytest.raises(ConfigurationError, match="abacus"):
        Network("latentpress.models:GainedHyperprior", device="abacus").load()


def test_a_class_of_ones_own_is_sized_by_its_checkpoint(own_module: str, tmp_path: Path) -> None:
    from latentpress.models import MeanScaleHyperprior

    torch.save({"state_dict": MeanScaleHyperprior(8, 16).state_dict()}, tmp_path / "x.pth")
    model = Network(f"{own_module}:Sized", checkpoint=tmp_path / "x.pth").load()
    assert (type(model).__name__, model.M) == ("Sized", 16)


def test_a_class_that_is_a_plain_module_loads_its_state_dict(own_module: str, tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "x.pth")
    model = Network(f"{own_module}:Own", checkpoint=tmp_path / "x.pth").load()
    assert isinstance(model, nn.Module)
    assert (model.training, model.weight.tolist()) == (False, [1, 1, 1])
    torch.save({"weight": torch.ones(4)}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"x\.pth.*Own"):
        Network(f"{own_module}:Own", checkpoint=tmp_path / "x.pth").load()


@pytest.mark.parametrize("path", ["no_such_module:Own", "own_models_of_a_user:Absent", ":", "torch:"])
def test_a_class_that_is_not_there_is_named(own_module: str, path: str) -> None:
    with pytest.raises(ConfigurationError, match=path):
        Network(path).load()


def test_something_else_than_a_class_is_refused(own_module: str) -> None:
    with pytest.raises(ConfigurationError, match="found int"):
        Network(f"{own_module}:number").load()


def test_curves_are_called_after_the_model() -> None:
    assert curve_name("mbt2018", "ms-ssim") == "mbt2018-ms-ssim"
    assert curve_name("a.b:Own", "mse") == "Own"


def test_hierarchies_have_lambdas_for_qualities() -> None:
    ranged = plan_subjects("qarv-base")
    assert len({subject.network for subject in ranged}) == 1
    assert [subject.quality for subject in ranged][::7] == [16, 2048]
    fixed = plan_subjects("qres34m", qualities=[16, 64], metric="mse")
    assert [(subject.network.quality, subject.quality) for subject in fixed] == [(16, None), (64, None)]
    assert curve_name("qarv-base", "mse") == "qarv_base"


def test_a_hierarchy_is_measured_as_it_codes(tmp_path: Path) -> None:
    hierarchy = zoo.get_model("qres17m", lmb=4)
    hierarchy.compress_mode()
    zoo.save_hierarchy(hierarchy, tmp_path / "net.safetensors")
    (subject,) = plan_subjects("qres17m", checkpoints=[tmp_path / "net.safetensors"])
    x = torch.rand(1, 3, 64, 50)
    coded = subject.code(x)
    strings = hierarchy.encode(torch.nn.functional.pad(x, (0, 14, 0, 0), mode="replicate"))
    assert coded.bits == 8 * sum(len(string[0]) for string in strings)
    assert coded.reconstruction.shape == x.shape
    with pytest.raises(ConfigurationError, match="latentpress curve"):
        subject.code(x, entropy_estimation=True)
