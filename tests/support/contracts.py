"""A contract with every field filled in, and the same by the first release."""

from __future__ import annotations

import copy
from typing import Any

from levit_mobile import contract

ZEROS = "0" * 64
FIELDS: dict[str, Any] = {
    "schema_version": 2,
    "tool": "0.1.0",
    "recipe": "executorch-fp16",
    "model": {
        "family": "levit",
        "variant": "levit_128s",
        "sizes": {"channels": [128, 256, 384], "key_dim": 16, "heads": [4, 6, 8], "mlp_ratio": 2.0},
        "classes": 3,
        "parameters": 7_000_000,
        "macs": 304_000_000,
        "checkpoint_sha256": ZEROS,
        "checkpoint_format": "timm",
        "weights": "ema",
        "source": "timm/levit_128s.fb_dist_in1k",
    },
    "artifact": {
        "file": "model.pte",
        "sha256": ZEROS,
        "bytes": 15_000_000,
        "partitions": 1,
        "toolchain": {"torch": "2.13.0", "executorch": "1.4.1"},
        "minimum_ios": None,
        "arithmetic": None,
    },
    "input": {
        "name": "image",
        "shape": [1, 3, 224, 224],
        "layout": "NCHW",
        "dtype": "float16",
        "range": [0.0, 1.0],
        "color_order": "RGB",
        "memory_order": "channels last",
        "quantization": {"scale": 1 / 255, "zero_point": -128},
    },
    "output": {
        "name": "logits",
        "shape": [1, 3],
        "dtype": "float16",
        "meaning": "logits",
        "quantization": None,
        "head": "sigmoid",
        "labels_source": "checkpoint",
        "labels_file": "labels.txt",
        "labels_sha256": ZEROS,
    },
    "preprocessing": {
        "mode": "squash",
        "height": 260,
        "width": 248,
        "crop_height": 224,
        "crop_width": 224,
        "interpolation": "bilinear",
        "antialias": True,
        "crop_rounding": "down",
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "rescale": 1 / 255,
        "source": "preprocessor_config.json",
    },
    "calibration": {
        "source": "train",
        "pictures": 512,
        "pictures_sha256": ZEROS,
        "seed": 0,
        "observer": "percentile",
        "plan_file": "plan.json",
        "plan_sha256": ZEROS,
        "for_release": True,
        "concerns": ["all calibration images show one class: the ranges of the other classes were not measured"],
    },
    "tolerance": {
        "min_sqnr_db": 50.0,
        "min_top1_agreement": 1.0,
        "min_top5_agreement": None,
        "min_cosine": 0.999,
        "max_abs_error": None,
        "max_mean_abs_error": None,
        "max_kl": 0.01,
        "min_top1_accuracy": None,
        "max_accuracy_drop": None,
    },
    "golden": [
        {
            "name": "zwölf/12.png",
            "rgb8_file": "golden/picture0.rgb8",
            "rgb8_sha256": ZEROS,
            "rgb8_shape": [224, 224, 3],
            "logits_file": "golden/picture0.logits.f32",
            "logits_sha256": ZEROS,
            "logits_shape": [3],
        }
    ],
    "verdict": "proven",
}


def of_schema_1() -> dict[str, Any]:
    """What the first release wrote: a square of the paper's preparation, and nothing about labels or head."""
    old = copy.deepcopy(FIELDS)
    old["schema_version"] = 1
    for part, names in contract.SINCE_SCHEMA_2.items():
        old[part] = {name: value for name, value in old[part].items() if name not in names}
    old["preprocessing"] |= {"resize_px": 292, "crop_px": 256, "interpolation": "bicubic"}
    return old
