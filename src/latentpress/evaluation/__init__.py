"""How good compressed images are, and what they cost."""

from typing import TYPE_CHECKING

from latentpress._lazy import lazy_attributes

if TYPE_CHECKING:
    from latentpress.evaluation.engine import OnImage, Point, evaluate, evaluate_model
    from latentpress.evaluation.images import ImageFile, find_images, read_image
    from latentpress.evaluation.measurement import Measurement, measure
    from latentpress.evaluation.metrics import METRICS, ms_ssim, psnr
    from latentpress.evaluation.networks import Network, Subject, curve_name, plan_subjects
    from latentpress.evaluation.results import curve_record, image_record, to_json, write_record

__all__ = [
    "METRICS",
    "ImageFile",
    "Measurement",
    "Network",
    "OnImage",
    "Point",
    "Subject",
    "curve_name",
    "curve_record",
    "evaluate",
    "evaluate_model",
    "find_images",
    "image_record",
    "measure",
    "ms_ssim",
    "plan_subjects",
    "psnr",
    "read_image",
    "to_json",
    "write_record",
]

_HOMES = {
    "engine": ["OnImage", "Point", "evaluate", "evaluate_model"],
    "images": ["ImageFile", "find_images", "read_image"],
    "measurement": ["Measurement", "measure"],
    "metrics": ["METRICS", "ms_ssim", "psnr"],
    "networks": ["Network", "Subject", "curve_name", "plan_subjects"],
    "results": ["curve_record", "image_record", "to_json", "write_record"],
}
__getattr__, __dir__ = lazy_attributes(
    __name__, {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names}
)
