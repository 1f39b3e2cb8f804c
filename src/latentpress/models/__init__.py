"""Architectures, one file a published family, and the base classes to write new ones from."""

from latentpress.models.base import CompressionModel, SimpleVAECompressionModel, get_scale_table
from latentpress.models.factorized import FactorizedPrior, FactorizedPriorReLU
from latentpress.models.gained import GainedHyperprior
from latentpress.models.hyperprior import MeanScaleHyperprior, ScaleHyperprior

__all__ = [
    "CompressionModel",
    "FactorizedPrior",
    "FactorizedPriorReLU",
    "GainedHyperprior",
    "MeanScaleHyperprior",
    "ScaleHyperprior",
    "SimpleVAECompressionModel",
    "get_scale_table",
]
