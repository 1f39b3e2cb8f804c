"""Small models and a picture for the tests in here, and a cache of their own."""

from pathlib import Path

import pytest

from small_models import fixed_rate, gained, other_gained, photo
from small_videos import scale_space_flow

__all__ = ["fixed_rate", "gained", "other_gained", "photo", "scale_space_flow"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LATENTPRESS_CACHE", str(cache))
    return cache
