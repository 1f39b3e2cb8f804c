"""Architectures, one file a published family, and the base classes to write new ones from."""

from latentpress.models.autoregressive import JointAutoregressiveHierarchicalPriors
from latentpress.models.base import CompressionModel, SimpleVAECompressionModel, get_scale_table
from latentpress.models.cheng2020 import Cheng2020Anchor, Cheng2020Attention
from latentpress.models.factorized import FactorizedPrior, FactorizedPriorReLU
from latentpress.models.gained import GainedHyperprior
from latentpress.models.hyperprior import MeanScaleHyperprior, ScaleHyperprior

__all__ = [
    "Cheng2020Anchor",
    "Cheng2020Attention",
    "CompressionModel",
    "FactorizedPrior",
    "FactorizedPriorReLU",
    "GainedHyperprior",
    "JointAutoregressiveHierarchicalPriors",
    "MeanScaleHyperprior",
    "ScaleHyperprior",
    "SimpleVAECompressionModel",
    "get_scale_table",
]
