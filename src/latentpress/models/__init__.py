"""Architectures, one file a published family, and the base classes to write new ones from."""

from latentpress.models.autoregressive import JointAutoregressiveHierarchicalPriors
from latentpress.models.base import CompressionModel, SimpleVAECompressionModel, get_scale_table
from latentpress.models.checkerboard import Cheng2020AnchorCheckerboard
from latentpress.models.cheng2020 import Cheng2020Anchor, Cheng2020Attention
from latentpress.models.elic import Elic2022Official
from latentpress.models.factorized import FactorizedPrior, FactorizedPriorReLU
from latentpress.models.gained import GainedHyperprior
from latentpress.models.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from latentpress.models.lattice_hyperprior import LatticeHyperprior
from latentpress.models.variable_rate import (
    JointAutoregressiveHierarchicalPriorsVbr,
    MeanScaleHyperpriorVbr,
    ScaleHyperpriorVbr,
)

__all__ = [
    "Cheng2020Anchor",
    "Cheng2020AnchorCheckerboard",
    "Cheng2020Attention",
    "CompressionModel",
    "Elic2022Official",
    "FactorizedPrior",
    "FactorizedPriorReLU",
    "GainedHyperprior",
    "JointAutoregressiveHierarchicalPriors",
    "JointAutoregressiveHierarchicalPriorsVbr",
    "LatticeHyperprior",
    "MeanScaleHyperprior",
    "MeanScaleHyperpriorVbr",
    "ScaleHyperprior",
    "ScaleHyperpriorVbr",
    "SimpleVAECompressionModel",
    "get_scale_table",
]
