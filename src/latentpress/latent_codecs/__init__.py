"""How latents become strings and back: every coding procedure is written once, here."""

from latentpress.latent_codecs.base import LatentCodec
from latentpress.latent_codecs.entropy_bottleneck import EntropyBottleneckLatentCodec
from latentpress.latent_codecs.gaussian_conditional import GaussianConditionalLatentCodec
from latentpress.latent_codecs.hyper import HyperLatentCodec
from latentpress.latent_codecs.hyperprior import HyperpriorLatentCodec

__all__ = [
    "EntropyBottleneckLatentCodec",
    "GaussianConditionalLatentCodec",
    "HyperLatentCodec",
    "HyperpriorLatentCodec",
    "LatentCodec",
]
