"""What the tests in here share."""

from small_models import gained
from small_videos import codec, info, scale_space_flow

__all__ = ["codec", "gained", "info", "scale_space_flow"]
