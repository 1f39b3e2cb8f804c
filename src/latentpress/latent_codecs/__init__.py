"""How latents become strings and back: every coding procedure is written once, here."""

from latentpress.latent_codecs.base import LatentCodec
from latentpress.latent_codecs.channel_groups import ChannelGroupsLatentCodec
from latentpress.latent_codecs.checkerboard import CheckerboardLatentCodec
from latentpress.latent_codecs.entropy_bottleneck import EntropyBottleneckLatentCodec
from latentpress.latent_codecs.gained import GainHyperLatentCodec, GainHyperpriorLatentCodec
from latentpress.latent_codecs.gaussian_conditional import GaussianConditionalLatentCodec
from latentpress.latent_codecs.hyper import HyperLatentCodec
from latentpress.latent_codecs.hyperprior import HyperpriorLatentCodec
from latentpress.latent_codecs.raster_scan import RasterScanLatentCodec
from latentpress.latent_codecs.refinement import ParameterRefinement, RefinedGaussianLatentCodec

__all__ = [
    "ChannelGroupsLatentCodec",
    "CheckerboardLatentCodec",
    "EntropyBottleneckLatentCodec",
    "GainHyperLatentCodec",
    "GainHyperpriorLatentCodec",
    "GaussianConditionalLatentCodec",
    "HyperLatentCodec",
    "HyperpriorLatentCodec",
    "LatentCodec",
    "ParameterRefinement",
    "RasterScanLatentCodec",
    "RefinedGaussianLatentCodec",
]
