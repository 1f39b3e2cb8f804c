"""What happens to pictures between a data set and a model: cuts, flips, tensors, colour spaces."""

from latentpress.transforms import functional
from latentpress.transforms.colour import RGB2YCbCr, YCbCr2RGB, YUV420To444, YUV444To420
from latentpress.transforms.images import (
    CenterCrop,
    Compose,
    RandomCrop,
    RandomHorizontalFlip,
    RandomScaledCrop,
    RandomVerticalFlip,
    ToTensor,
)

__all__ = [
    "CenterCrop",
    "Compose",
    "RGB2YCbCr",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomScaledCrop",
    "RandomVerticalFlip",
    "ToTensor",
    "YCbCr2RGB",
    "YUV420To444",
    "YUV444To420",
    "functional",
]
