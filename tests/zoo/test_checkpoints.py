import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from latentpress import zoo
from latentpress.entropy_models import EntropyBottleneck
from latentpress.errors import ConfigurationError, WeightsError
from latentpress.models import Cheng2020Anchor, CompressionModel, FactorizedPrior, MeanScaleHyperprior

IMAGE = torch.linspace(0, 1, 3 * 64 * 64).reshape(1, 3, 64, 64)


class OwnModel(CompressionModel):
    """A model that the zoo has not heard of."""

    def __init__(self, width: int = 4, note: str = "") -> None:
        super().__init__()
        self.width = width
        self.entropy_bottleneck = EntropyBottleneck(width)


@pytest.fixture
def net() -> MeanScaleHyperprior:
    model = MeanScaleHyperprior(8, 12).eval()
    model.update()
    return model


def metadata(path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


def test_a_saved_model_comes_back_whole_and_ready(net, tmp_path):
    path = tmp_path / "net.safetensors"
    zoo.save_checkpoint(net.to(memory_format=torch.channels_last), path, metadata={"note": "mine"})
    loaded = zoo.load_checkpoint(path)
    assert type(loaded) is MeanScaleHyperprior
    assert not loaded.training
    assert zoo.fingerprint(loaded) == zoo.fingerprint(net)
    assert loaded.compress(IMAGE) == net.compress(IMAGE)
    assert os.listdir(tmp_path) == ["net.safetensors"]
    assert metadata(path) == {
        "architecture": "mbt2018-mean",
        "arguments": json.dumps({"M": 12, "N": 8}),
        "note": "mine",
    }


def test_the_same_model_is_the_same_file(net, tmp_path):
    files = [tmp_path / f"{i}.safetensors" for i in range(6)]
    for path in files:
        zoo.save_checkpoint(net, path, metadata={"note": 'ä \\ " \n', "more": "x"})
    assert len({path.read_bytes() for path in files}) == 1
    assert metadata(files[0])["note"] == 'ä \\ " \n'


def test_a_compiled_or_data_parallel_model_is_the_same_file(net, tmp_path):
    zoo.save_checkpoint(net, tmp_path / "a.safetensors")
    wrapped = torch.nn.DataParallel(torch.compile(net))
    zoo.save_checkpoint(wrapped, tmp_path / "b.safetensors")
    net.g_a = torch.compile(net.g_a)
    zoo.save_checkpoint(net, tmp_path / "c.safetensors")
    assert len({(tmp_path / f"{name}.safetensors").read_bytes() for name in "abc"}) == 1


def test_a_model_that_was_saved_without_tables_is_given_them(tmp_path):
    zoo.save_checkpoint(FactorizedPrior(8, 12), tmp_path / "net.safetensors")
    assert zoo.load_checkpoint(tmp_path / "net.safetensors").compress(IMAGE)["strings"]


@pytest.mark.parametrize("wrapper", [None, "state_dict", "network"])
def test_a_pytorch_checkpoint_is_read_with_its_old_spellings(net, tmp_path, wrapper):
    def old(key: str) -> str:
        for name, former in (("matrices.", "_matrix"), ("biases.", "_bias"), ("factors.", "_factor")):
            key = key.replace(f"entropy_bottleneck.{name}", f"entropy_bottleneck.{former}")
        return f"module.{key}"

    state = {old(key): value for key, value in net.state_dict().items()}
    assert "module.entropy_bottleneck._matrix0" in state
    path = tmp_path / "net.pth.tar"
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, path)
    assert zoo.fingerprint(zoo.load_checkpoint(path, architecture="mbt2018-mean")) == zoo.fingerprint(net)
    assert zoo.fingerprint(zoo.create("mbt2018-mean", checkpoint=path)) == zoo.fingerprint(net)


def test_old_spellings_of_a_state_dict_are_brought_up_to_date():
    one = torch.ones(1)
    given = {
        "module.g_a.0.downsample.weight": one,
        "module.entropy_bottleneck._matrices.1": one,
        "module.entropy_bottleneck._factor2": one,
        "module.entropy_bottleneck.biases.3": one,
    }
    expected = [
        "g_a.0.skip.weight",
        "entropy_bottleneck.matrices.1",
        "entropy_bottleneck.factors.2",
        "entropy_bottleneck.biases.3",
    ]
    assert list(zoo.load_state_dict({"network": given})) == expected
    assert list(zoo.load_pretrained(given)) == expected


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    witness = tmp_path / "witness"

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(witness),)

    torch.save({"state_dict": Hostile()}, tmp_path / "zip.pth.tar")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Hostile(), protocol=2))
    for name in ("zip.pth.tar", "plain.pth"):
        with pytest.raises(WeightsError, match=name):
            zoo.load_checkpoint(tmp_path / name, architecture="mbt2018-mean")
    assert not witness.exists()


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth"])
@pytest.mark.parametrize("kept", [0, 5, 100, 0.5, 0.99])
def test_a_truncated_checkpoint_is_an_error(net, tmp_path, name, kept):
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(net.state_dict(), path)
    else:
        zoo.save_checkpoint(net, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    with pytest.raises(WeightsError, match=name):
        zoo.load_checkpoint(path, architecture="mbt2018-mean")


def test_a_missing_checkpoint_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        zoo.load_checkpoint(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("contents", [[torch.ones(1)], {"state_dict": 3}, {"a": "text"}])
def test_a_checkpoint_without_a_state_dict_is_an_error(tmp_path, contents):
    torch.save(contents, tmp_path / "net.pth")
    with pytest.raises(WeightsError, match="state dict"):
        zoo.load_checkpoint(tmp_path / "net.pth", architecture="mbt2018-mean")


def test_weights_of_another_architecture_are_refused(net, tmp_path):
    torch.save(FactorizedPrior(8, 12).state_dict(), tmp_path / "net.pth")
    with pytest.raises(WeightsError, match=r"net\.pth does not fit MeanScaleHyperprior"):
        zoo.load_checkpoint(tmp_path / "net.pth", architecture="mbt2018-mean")
    zoo.save_checkpoint(net, tmp_path / "net.safetensors")
    with pytest.raises(WeightsError, match="found one of mbt2018-mean"):
        zoo.load_checkpoint(tmp_path / "net.safetensors", architecture="bmshj2018-factorized")


def test_a_file_that_names_no_architecture_needs_one(net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "net.pth")
    with pytest.raises(ConfigurationError, match="architecture="):
        zoo.load_checkpoint(tmp_path / "net.pth")


def test_a_model_of_ones_own_is_saved_and_loaded_by_its_class(tmp_path):
    path = tmp_path / "own.safetensors"
    zoo.save_checkpoint(OwnModel(width=6), path, arguments={"width": 6})
    assert zoo.load_checkpoint(path, architecture=OwnModel).width == 6
    with pytest.raises(ConfigurationError, match="OwnModel"):
        zoo.load_checkpoint(path)


def test_a_name_in_a_file_is_looked_up_and_never_imported(net, tmp_path):
    save_file(
        net.state_dict(), tmp_path / "net.safetensors", {"architecture": "os:system", "arguments": "{}"}
    )
    with pytest.raises(ConfigurationError, match="os:system"):
        zoo.load_checkpoint(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "[]",
        "3",
        '{"nonsense": 1}',
        '{"N": "many", "M": 12}',
        '{"N": -1, "M": 12}',
        '{"N": 9, "M": 12}',
    ],
)
def test_arguments_in_a_file_that_make_no_such_model_are_an_error(net, tmp_path, arguments):
    named = {"architecture": "mbt2018-mean", "arguments": arguments}
    save_file(net.state_dict(), tmp_path / "net.safetensors", named)
    with pytest.raises(WeightsError, match=r"net\.safetensors"):
        zoo.load_checkpoint(tmp_path / "net.safetensors")


def test_constructor_arguments_that_are_not_kept_must_be_given(tmp_path):
    with pytest.raises(ConfigurationError, match="'note'"):
        zoo.save_checkpoint(OwnModel(), tmp_path / "own.safetensors")
    with pytest.raises(ConfigurationError, match="plain"):
        zoo.save_checkpoint(OwnModel(), tmp_path / "own.safetensors", arguments={"note": object()})
    assert os.listdir(tmp_path) == []


def test_a_checkpoint_that_cannot_be_written_is_an_error_that_leaves_nothing(net, tmp_path):
    (tmp_path / "taken.safetensors").mkdir()
    for path in (tmp_path / "no folder" / "net.safetensors", tmp_path / "taken.safetensors"):
        with pytest.raises(WeightsError, match="cannot be written"):
            zoo.save_checkpoint(net, path)
    assert os.listdir(tmp_path) == ["taken.safetensors"]


def test_a_model_that_sets_an_argument_of_its_base_class_comes_back(tmp_path: Path) -> None:
    net = Cheng2020Anchor(N=16).eval()
    net.update()
    zoo.save_checkpoint(net, tmp_path / "anchor.safetensors")
    again = zoo.load_checkpoint(tmp_path / "anchor.safetensors")
    assert isinstance(again, Cheng2020Anchor)
    assert zoo.fingerprint(again) == zoo.fingerprint(net)
