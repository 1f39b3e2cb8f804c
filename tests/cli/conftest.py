"""Small models and a picture for the tests in here."""

from small_models import fixed_rate, gained, other_gained, photo
from small_videos import scale_space_flow

__all__ = ["fixed_rate", "gained", "other_gained", "photo", "scale_space_flow"]
