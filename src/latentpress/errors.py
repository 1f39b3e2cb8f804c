"""The one family of errors that LatentPress raises for wrong input.

Messages say what was expected, what was found and what to do; they are one sentence, fit to print to a user.
"""


class LatentPressError(Exception):
    """Base of every error LatentPress raises on purpose."""


class BitstreamError(LatentPressError, ValueError):
    """A compressed stream or file is truncated, damaged or not what it claims to be."""


class ConfigurationError(LatentPressError, ValueError):
    """A name, quality, metric or argument is not one of the valid ones; the message lists those."""


class WeightsError(LatentPressError, RuntimeError):
    """Weights cannot be found, fetched or verified, or do not belong to the model."""


class DataError(LatentPressError, RuntimeError):
    """A data set cannot be found, read, fetched or verified."""


class OutOfMemoryError(LatentPressError, MemoryError):
    """The work needs more memory than there is, or than the system lets a process have."""


class ImageError(LatentPressError, ValueError):
    """An image cannot be read, or has a layout or size that is not supported."""
