"""How good compressed images are, and what they cost: models and classical codecs over sets of images."""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.evaluation.bench import Close, find_close, plan_codec
    from latentpress.evaluation.codecs import CODECS, Codec, CodecSubject, find_codec
    from latentpress.evaluation.complexity import Complexity, complexity
    from latentpress.evaluation.engine import OnImage, Subject, evaluate, evaluate_model
    from latentpress.evaluation.images import ImageFile, find_images, read_image
    from latentpress.evaluation.measurement import Coded, Measurement, assess, measure
    from latentpress.evaluation.metrics import METRICS, ms_ssim, psnr
    from latentpress.evaluation.networks import Network, NetworkSubject, curve_name, plan_subjects
    from latentpress.evaluation.perceptual import PERCEPTUAL
    from latentpress.evaluation.points import Point
    from latentpress.evaluation.results import (
        curve_record,
        image_record,
        to_json,
        write_record,
        write_records,
    )

__all__ = [
    "CODECS",
    "METRICS",
    "PERCEPTUAL",
    "Close",
    "Codec",
    "CodecSubject",
    "Coded",
    "Complexity",
    "ImageFile",
    "Measurement",
    "Network",
    "NetworkSubject",
    "OnImage",
    "Point",
    "Subject",
    "assess",
    "complexity",
    "curve_name",
    "curve_record",
    "evaluate",
    "evaluate_model",
    "find_close",
    "find_codec",
    "find_images",
    "image_record",
    "measure",
    "ms_ssim",
    "plan_codec",
    "plan_subjects",
    "psnr",
    "read_image",
    "to_json",
    "write_record",
    "write_records",
]

_HOMES = {
    "bench": ["Close", "find_close", "plan_codec"],
    "codecs": ["CODECS", "Codec", "CodecSubject", "find_codec"],
    "complexity": ["Complexity", "complexity"],
    "engine": ["OnImage", "Subject", "evaluate", "evaluate_model"],
    "images": ["ImageFile", "find_images", "read_image"],
    "measurement": ["Coded", "Measurement", "assess", "measure"],
    "metrics": ["METRICS", "ms_ssim", "psnr"],
    "networks": ["Network", "NetworkSubject", "curve_name", "plan_subjects"],
    "perceptual": ["PERCEPTUAL"],
    "points": ["Point"],
    "results": ["curve_record", "image_record", "to_json", "write_record", "write_records"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
