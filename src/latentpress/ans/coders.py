"""Which entropy coder new entropy models use."""

from latentpress.errors import ConfigurationError

_AVAILABLE = ("ans",)
_default = "ans"


def available_entropy_coders() -> list[str]:
    """Return the names of the entropy coders.

    Example:
        >>> from latentpress.ans import available_entropy_coders
        >>> available_entropy_coders()
        ['ans']
    """
    return list(_AVAILABLE)


def get_entropy_coder() -> str:
    """Return the name of the coder that new entropy models use."""
    return _default


def set_entropy_coder(entropy_coder: str) -> None:
    """Choose the coder that new entropy models use.

    Raises:
        ConfigurationError: if there is no coder of that name.
    """
    global _default
    _default = checked_entropy_coder(entropy_coder)


def checked_entropy_coder(entropy_coder: str | None) -> str:
    """Return the name of an existing coder, the default for None."""
    name = _default if entropy_coder is None else entropy_coder
    if name not in _AVAILABLE:
        raise ConfigurationError(
            f"The entropy coder must be one of {list(_AVAILABLE)}, not {entropy_coder!r}."
        )
    return name
