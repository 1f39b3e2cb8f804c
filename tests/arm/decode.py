"""Decodes the stored files and prints what comes of them as JSON: see tests/codec/test_arm.py."""

import hashlib
import json
import platform

import store
import store_hierarchy
import torch

from latentpress.entropy_models import GaussianConditional
from latentpress.models import get_scale_table
from latentpress.models.hierarchical.arithmetic import kernel_version

torch.backends.mkldnn.enabled = False  # its code for ARM does not run in every emulator

found = {"machine": platform.machine(), "default": store.facts_of(store.FILE.read_bytes())}
for kernels in ("neon", "portable"):
    with kernel_version(kernels):
        for arithmetic in store_hierarchy.ARITHMETICS:
            stored = store_hierarchy.file_of(arithmetic).read_bytes()
            file = store_hierarchy.codec().encode_picture(
                store_hierarchy.picture(), store_hierarchy.LMB, arithmetic
            )
            found[f"{kernels} {arithmetic}"] = [store_hierarchy.output_digest(stored), file == stored]
gaussian = GaussianConditional(get_scale_table())
gaussian.update()
found["tables"] = hashlib.sha256(gaussian.quantized_cdf.numpy()).hexdigest()
print(json.dumps(found))
