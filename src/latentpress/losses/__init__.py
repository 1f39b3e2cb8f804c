"""What training minimises."""

from latentpress.losses.rate_distortion import RateDistortionLoss

__all__ = ["RateDistortionLoss"]
