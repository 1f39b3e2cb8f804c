"""A photograph."""

from small_models import photo

__all__ = ["photo"]
