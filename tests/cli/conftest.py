"""Small models and a picture for the tests in here."""

from small_models import fixed_rate, gained, other_gained, photo

__all__ = ["fixed_rate", "gained", "other_gained", "photo"]
