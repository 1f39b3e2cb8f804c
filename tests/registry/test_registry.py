import pytest

from latentpress import registry
from latentpress.errors import ConfigurationError
from latentpress.models import MeanScaleHyperprior

KINDS = {
    "criterion": registry.CRITERIONS,
    "dataset": registry.DATASETS,
    "model": registry.MODELS,
    "module": registry.MODULES,
    "optimizer": registry.OPTIMIZERS,
    "scheduler": registry.SCHEDULERS,
    "transform": registry.TRANSFORMS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_a_decorator_and_a_dictionary_of_its_own(kind, monkeypatch):
    for entries in KINDS.values():
        monkeypatch.delitem(entries, "example", raising=False)

    class Example:
        pass

    decorated = getattr(registry, f"register_{kind}")("example")(Example)
    try:
        assert decorated is Example
        assert [name for name, entries in KINDS.items() if entries.get("example") is Example] == [kind]
    finally:
        KINDS[kind].pop("example", None)


def test_a_name_that_another_class_has_is_refused():
    class Impostor:
        pass

    with pytest.raises(ConfigurationError, match="MeanScaleHyperprior"):
        registry.register_model("mbt2018-mean")(Impostor)
    assert registry.MODELS["mbt2018-mean"] is MeanScaleHyperprior


def test_defining_the_same_class_again_replaces_it():
    def define() -> type:
        class Example:
            pass

        return Example

    try:
        registry.register_module("again")(define())
        second = registry.register_module("again")(define())
        assert registry.MODULES["again"] is second
    finally:
        del registry.MODULES["again"]
