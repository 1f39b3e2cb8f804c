"""Probability models of latents: likelihoods for training, integer tables and strings for coding."""

from latentpress.entropy_models.base import EntropyModel
from latentpress.entropy_models.bottleneck import EntropyBottleneck
from latentpress.entropy_models.gaussian import GaussianConditional

__all__ = ["EntropyBottleneck", "EntropyModel", "GaussianConditional"]
