"""A folder of short clips, and small models."""

from pathlib import Path

import pytest

from latentpress.codec.video.sinks import RawSink
from small_models import gained
from small_videos import LAYOUT, moving, scale_space_flow

__all__ = ["clips", "gained", "scale_space_flow"]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two clips of five and three frames, one of them deeper, and one that is broken."""
    for name, count in (("a.y4m", 5), ("deep/b.y4m", 3)):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            sink = RawSink(file, LAYOUT, y4m=True)
            for frame in moving(count):
                sink.write(frame)
    (tmp_path / "clips" / "broken.y4m").write_bytes(b"YUV4MPEG2 W4 H4\nFRAME")
    return tmp_path / "clips"
