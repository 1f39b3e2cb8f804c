"""What entropy models share: quantisation, the bound on likelihoods, and the coder's integer tables."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from latentpress import _core
from latentpress.ans import CodingTables
from latentpress.ans.coders import checked_entropy_coder
from latentpress.entropy_models.precision import at_least_float32
from latentpress.errors import ConfigurationError
from latentpress.ops import LowerBound, uniform_noise
from latentpress.ops.rounding import soft_rounding

QUANTIZE_MODES = ("noise", "dequantize", "symbols")
TABLE_BUFFERS = ("_offset", "_quantized_cdf", "_cdf_length")


class EntropyModel(nn.Module):
    """Base class of the probability models of quantised latents.

    A subclass defines `forward(inputs, ...) -> (outputs, likelihoods)`, used in training, and fills the
    integer tables in `update()`, used by `compress` and `decompress`. The tables are buffers: they are saved
    with the model, because a decoder must use exactly those that the encoder used.

    Args:
        likelihood_bound: smallest likelihood that `forward` returns; bounds the loss of one symbol. 0 for no
            bound.
        entropy_coder: name of the entropy coder, one of `latentpress.available_entropy_coders()`; None for
            the default.
        entropy_coder_precision: bits of the integer probabilities; the rANS coder works with 16.
    """

    _offset: Tensor
    _quantized_cdf: Tensor
    _cdf_length: Tensor

    def __init__(
        self,
        likelihood_bound: float = 1e-9,
        entropy_coder: str | None = None,
        entropy_coder_precision: int = 16,
    ) -> None:
        super().__init__()
        if entropy_coder_precision != 16:
            raise ConfigurationError(
                f"The rANS coder works with a precision of 16 bits, not {entropy_coder_precision}."
            )
        self.entropy_coder = checked_entropy_coder(entropy_coder)
        self.entropy_coder_precision = entropy_coder_precision
        self._tables = _CachedTables()
        self.use_likelihood_bound = likelihood_bound > 0
        if self.use_likelihood_bound:
            self.likelihood_lower_bound = LowerBound(likelihood_bound)
        for name in TABLE_BUFFERS:
            self.register_buffer(name, torch.empty(0, dtype=torch.int32))

    @property
    def offset(self) -> Tensor:
        """Smallest symbol of each table, (tables,) int32; empty before `update()`."""
        return self._offset

    @property
    def quantized_cdf(self) -> Tensor:
        """Cumulative frequencies in units of 2^-16, (tables, longest) int32; empty before `update()`."""
        return self._quantized_cdf

    @property
    def cdf_length(self) -> Tensor:
        """Valid entries of each row of `quantized_cdf`, (tables,) int32; empty before `update()`."""
        return self._cdf_length

    def forward(self, *args: Any) -> Any:
        """Return the quantised inputs and their likelihoods; defined by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward().")

    def quantize(self, inputs: Tensor, mode: str, means: Tensor | None = None) -> Tensor:
        """Quantise `inputs`, of any shape.

        Args:
            inputs: the latent.
            mode: "noise" adds uniform noise from [-1/2, 1/2) (training); "dequantize" rounds about the mean
                and gives the rounded value of the latent; "symbols" gives the integer that is coded,
                `round(inputs - means)`, as int32.
            means: centre of the rounding, broadcastable to `inputs`; 0 if None. Has no effect on "noise".

        Raises:
            ConfigurationError: if `mode` is none of these.
        """
        if mode not in QUANTIZE_MODES:
            raise ConfigurationError(f"The quantisation mode must be one of {QUANTIZE_MODES}, not {mode!r}.")
        values = at_least_float32(inputs)
        if mode == "noise":
            return uniform_noise(values).to(inputs.dtype)
        centred = values if means is None else values - means
        soft = soft_rounding() if mode == "dequantize" else None
        if soft is not None:
            return (soft(centred) if means is None else soft(centred) + means).to(inputs.dtype)
        symbols = torch.round(centred)
        if mode == "symbols":
            return symbols.int()
        return self.dequantize(symbols, means, dtype=inputs.dtype)

    @staticmethod
    def dequantize(inputs: Tensor, means: Tensor | None = None, dtype: torch.dtype = torch.float) -> Tensor:
        """Return the latent values that the symbols `inputs` stand for: `inputs + means`, as `dtype`."""
        if means is None:
            return inputs.to(dtype)
        return (inputs.to(at_least_float32(means).dtype) + means).to(dtype)

    def compress(self, inputs: Tensor, indexes: Tensor, means: Tensor | None = None) -> list[bytes]:
        """Code `round(inputs - means)`, one string for each element of the batch.

        Elements of a batch are coded in parallel, in as many threads as torch uses; the strings do not depend
        on it.

        Args:
            inputs: latent of shape (N, ...), on any device.
            indexes: table of each element, of the shape of `inputs`, from 0 to the number of tables - 1;
                int32, uint8 and int8 are used as they are.
            means: centre of the rounding, broadcastable to `inputs`; 0 if None.

        Raises:
            ConfigurationError: if there are no tables yet, shapes do not fit, an index has no table, or a
                value is not finite.
        """
        check_batch(inputs)
        if indexes.shape != inputs.shape:
            raise ConfigurationError(
                f"Expected indexes of the shape of the latent, "
                f"{tuple(inputs.shape)}, found {tuple(indexes.shape)}."
            )
        tables = self.coding_tables()
        if means is not None:
            means = expanded_as(means, inputs)
        if torch.float64 in (inputs.dtype, None if means is None else means.dtype):
            return tables.encode(as_rows(self.quantize(inputs, "symbols", means)), as_rows(indexes))
        mean_rows = None if means is None else as_rows(means, torch.float32)
        return tables.encode_rounded(as_rows(inputs, torch.float32), as_rows(indexes), mean_rows)

    def decompress(
        self,
        strings: Sequence[bytes],
        indexes: Tensor,
        dtype: torch.dtype = torch.float,
        means: Tensor | None = None,
    ) -> Tensor:
        """Return the latent that `compress` made the strings from: the symbols plus `means`.

        Args:
            strings: N strings.
            indexes: the indexes given to `compress`, (N, ...).
            dtype: type of the result where `means` is None; otherwise it has the type of `means`.
            means: the means given to `compress`.

        Returns:
            The quantised latent, of the shape of `indexes` and on its device.

        Raises:
            BitstreamError: if a string is truncated, has bytes left over, or is otherwise found to be
                damaged.
            ConfigurationError: if there are no tables yet, shapes do not fit, or an index has no table.
        """
        check_batch(indexes)
        if len(strings) != indexes.shape[0]:
            raise ConfigurationError(f"Expected {indexes.shape[0]} strings, found {len(strings)}.")
        tables = self.coding_tables()
        if means is not None:
            means = expanded_as(means, indexes)
        if (dtype if means is None else means.dtype) != torch.float32:
            symbols = torch.from_numpy(tables.decode(strings, as_rows(indexes)))
            symbols = symbols.reshape(indexes.shape).to(indexes.device)
            return self.dequantize(symbols, means, dtype if means is None else means.dtype)
        mean_rows = None if means is None else as_rows(means, torch.float32)
        values = tables.decode_rounded(strings, as_rows(indexes), mean_rows)
        return values.reshape(indexes.shape).to(indexes.device)

    def coding_tables(self) -> CodingTables:
        """Return the integer tables, ready for coding; they are checked once, until the buffers change.

        Raises:
            ConfigurationError: if there are none yet, or they are not valid.
        """
        if self._offset.numel() == 0:
            raise ConfigurationError(
                f"This {type(self).__name__} has no coding tables yet: call update() on the model "
                f"after training or loading."
            )
        return self._tables.get(self._quantized_cdf, self._cdf_length, self._offset)

    def _set_tables(self, pmf: Tensor, tail_mass: Tensor, pmf_length: Tensor, offset: Tensor) -> None:
        """Fill the table buffers from the masses (tables, longest) of slots, and (tables,) of everything
        else."""
        pmf, tail_mass = (
            pmf.detach().float().cpu().contiguous(),
            tail_mass.detach().float().cpu().contiguous(),
        )
        lengths = pmf_length.detach().to("cpu", torch.int32).contiguous()
        cdfs = torch.empty(pmf.shape[0], pmf.shape[1] + 2, dtype=torch.int32, device="cpu")
        _core.fill_quantized_cdfs(pmf, tail_mass, lengths, cdfs)
        device = self._offset.device
        self._quantized_cdf = cdfs.to(device)
        self._cdf_length = (lengths + 2).to(device)
        self._offset = offset.detach().to(device, torch.int32)

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        for name in self._resizable_buffers():  # tables have the size that the checkpoint says
            loaded = state_dict.get(prefix + name)
            if isinstance(loaded, Tensor):
                setattr(self, name, getattr(self, name).new_empty(loaded.shape))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def _resizable_buffers(self) -> tuple[str, ...]:
        return TABLE_BUFFERS

    def _bounded(self, likelihood: Tensor) -> Tensor:
        return self.likelihood_lower_bound(likelihood) if self.use_likelihood_bound else likelihood


class _CachedTables:
    """The coding tables of three buffers, rebuilt when the buffers are replaced or written to; not copied or
    pickled."""

    def __init__(self) -> None:
        self._buffers: tuple[Tensor, ...] = ()
        self._versions: tuple[int | None, ...] = ()
        self._tables: CodingTables | None = None

    def get(self, *buffers: Tensor) -> CodingTables:
        if self._tables is None or not self._untouched(buffers):
            if self._tables is None or not self._tables.matches(*buffers):
                self._tables = CodingTables(*buffers)
            self._buffers, self._versions = buffers, tuple(map(_version, buffers))
        return self._tables

    def _untouched(self, buffers: tuple[Tensor, ...]) -> bool:
        same = all(map(operator.is_, self._buffers, buffers))
        return same and None not in self._versions and self._versions == tuple(map(_version, buffers))

    def __reduce__(self) -> tuple[type["_CachedTables"], tuple[()]]:
        return _CachedTables, ()


def _version(buffer: Tensor) -> int | None:
    """Return how often the buffer was written to; None for a tensor made in inference mode, which does not
    count."""
    return None if buffer.is_inference() else buffer._version


def check_slots(longest: int, remedy: str) -> None:
    """Raise ConfigurationError, naming the remedy, if a table would have more slots than there are
    probabilities."""
    if longest >= 2**16:
        raise ConfigurationError(f"A coding table can have at most 65535 slots, not {longest}: {remedy}.")


def check_batch(x: Tensor) -> None:
    """Raise ConfigurationError unless x has a batch dimension and one more."""
    if x.ndim < 2:
        raise ConfigurationError(
            f"Expected a tensor of at least two dimensions (N, ...), found {tuple(x.shape)}."
        )


def expanded_as(means: Tensor, x: Tensor) -> Tensor:
    """Return means broadcast to the shape of x, or raise ConfigurationError."""
    try:
        return means.expand(x.shape)
    except RuntimeError as error:
        raise ConfigurationError(
            f"Expected means that broadcast to {tuple(x.shape)}, found {tuple(means.shape)}."
        ) from error


def as_rows(x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Return x as contiguous rows (N, K) on the CPU, in `dtype` if given; a view where possible."""
    rows = x.detach().to("cpu", dtype)
    return rows.reshape(x.shape[0], math.prod(x.shape[1:])).contiguous()
