"""Hierarchical VAEs: QRes-VAE, QARV and the bound on R(D). See docs/hierarchical.md."""

from latentpress.models.hierarchical.arithmetic import FIXED_POINT, FLOAT32
from latentpress.models.hierarchical.complexity import PartCost, cost_by_part
from latentpress.models.hierarchical.discrete import CodingHierarchy
from latentpress.models.hierarchical.generation import (
    infer_latents,
    inpaint,
    interpolate,
    sample,
    sample_given,
)
from latentpress.models.hierarchical.hierarchy import HierarchicalVAE, InputScaling
from latentpress.models.hierarchical.lossless import LosslessQResVAE
from latentpress.models.hierarchical.qarv import (
    QARV,
    QARV_BASE,
    QarvConfig,
    QarvDecoderStage,
    QarvEncoderStage,
)
from latentpress.models.hierarchical.qres import (
    QRES17M,
    QRES34M,
    QResConfig,
    QResDecoderStage,
    QResEncoderStage,
    QResVAE,
)
from latentpress.models.hierarchical.rd_bound import (
    RD_MODEL_BASE,
    BoundConfig,
    BoundStage,
    RateDistortionBound,
)
from latentpress.models.hierarchical.target_size import Fit, fit_to_size

__all__ = [
    "FIXED_POINT",
    "FLOAT32",
    "QARV",
    "QARV_BASE",
    "QRES17M",
    "QRES34M",
    "RD_MODEL_BASE",
    "BoundConfig",
    "BoundStage",
    "CodingHierarchy",
    "Fit",
    "HierarchicalVAE",
    "InputScaling",
    "LosslessQResVAE",
    "PartCost",
    "QResConfig",
    "QResDecoderStage",
    "QResEncoderStage",
    "QResVAE",
    "QarvConfig",
    "QarvDecoderStage",
    "QarvEncoderStage",
    "RateDistortionBound",
    "cost_by_part",
    "fit_to_size",
    "infer_latents",
    "inpaint",
    "interpolate",
    "sample",
    "sample_given",
]
