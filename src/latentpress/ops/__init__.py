"""Small differentiable building blocks: bounds, reparametrisations, rounding with a gradient, padding."""

from latentpress.ops.bound_ops import LowerBound
from latentpress.ops.memory import keep_freed_memory
from latentpress.ops.padding import compute_padding, pad_to_multiple
from latentpress.ops.parametrizers import NonNegativeParametrizer
from latentpress.ops.quantize import quantize_ste, uniform_noise

__all__ = [
    "LowerBound",
    "NonNegativeParametrizer",
    "compute_padding",
    "keep_freed_memory",
    "pad_to_multiple",
    "quantize_ste",
    "uniform_noise",
]
