"""Files that were stored decode as they did, with the bundled weights and on any machine."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from scripts import load_script

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def store() -> ModuleType:
    return load_script(DATA / "store.py")


@pytest.fixture(scope="module")
def store_hierarchy() -> ModuleType:
    return load_script(DATA / "store_hierarchy.py")


def test_a_stored_file_of_the_default_codec_decodes_to_the_same_latents(store: ModuleType) -> None:
    expected = json.loads(store.FACTS.read_text())
    found = store.facts_of(store.FILE.read_bytes())
    assert found["latents"] == expected["latents"]
    assert found["psnr"] == pytest.approx(expected["psnr"], abs=0.01)


def test_the_bundled_weights_still_make_that_file(store: ModuleType) -> None:
    """Not on any machine: the transform to latents is in floats, so a symbol may differ elsewhere."""
    from latentpress import compress

    size = len(compress(store.photograph(), quality=store.QUALITY))
    assert size == pytest.approx(len(store.FILE.read_bytes()), rel=0.01)


@pytest.mark.parametrize("arithmetic", ["float32", "fixed-point"])
def test_stored_files_of_a_hierarchy_are_made_and_decoded_to_the_bit(
    store_hierarchy: ModuleType, arithmetic: str
) -> None:
    file = store_hierarchy.file_of(arithmetic).read_bytes()
    assert store_hierarchy.output_digest(file) == json.loads(store_hierarchy.FACTS.read_text())[arithmetic]
    assert (
        store_hierarchy.codec().encode_picture(store_hierarchy.picture(), store_hierarchy.LMB, arithmetic)
        == file
    )
