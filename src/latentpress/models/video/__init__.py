"""Video models, and the scale-space warping that they are made of."""

from latentpress.models.video.scale_space import gaussian_volume, warp_volume
from latentpress.models.video.scale_space_flow import ScaleSpaceFlow

__all__ = ["ScaleSpaceFlow", "gaussian_volume", "warp_volume"]
