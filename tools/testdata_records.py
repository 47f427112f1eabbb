"""Contracts and timing records of testdata/: complete ones, sparse ones, and ones that readers refuse.

Complete ones are filled in by the JSON schemas, so that a new field is in them without a change here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from levit_mobile.contract import Contract
from levit_mobile.timing.record import TimingRun

PACKAGE = Path(__file__).parents[1] / "levit_mobile"
Json = dict[str, Any]
# Examples of fields whose schema alone does not give one that reads well or passes; by the field's name.
EXAMPLES: Json = {
    "schema_version": None,  # from the schema
    "sha256": "5f" * 32,
    "started_at": "2026-01-31T12:00:00Z",
    ".input.shape": [1, 3, 224, 224],
    ".output.shape": [1, 3],
    "sizes": {"channels": [128, 256, 384], "key_dim": 16, "heads": [4, 6, 8], "mlp_ratio": 2.0},
    "not_run": None,
    "compute_units": None,
    "threads": 2,
    "samples_ms": [3.25, 3.5, 3.0],
    "process_samples": [2, 1],
    ".against": ["name"],
    "range": [0.0, 1.0],
    "labels_file": "labels.txt",
    "file": "model.tflite",
    "min_top1_agreement": 1.0,
    "golden": None,
    "arithmetic": "fp16 where the core has it",
}
OTHER_SIZES: Json = {"width": 192, "heads": 3, "depth": 12, "patch": 16, "tokens": 1, "epsilon": 0.001}  # a ViT's


def filled(schema: Json, root: Json, path: str) -> Any:
    """A value that the schema allows, with every field present."""
    name = path.rpartition(".")[2]
    for key in (path, name, "sha256" if name.endswith("sha256") else name):
        if EXAMPLES.get(key) is not None:
            return copy.deepcopy(EXAMPLES[key])
    if "$ref" in schema:
        return filled(root["$defs"][schema["$ref"].rpartition("/")[2]], root, path)
    if "anyOf" in schema:
        first = next(one for one in schema["anyOf"] if one.get("type") != "null")
        return None if name in EXAMPLES and EXAMPLES[name] is None else filled(first, root, path)
    return _plain(schema, root, path, name)


def _plain(schema: Json, root: Json, path: str, name: str) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kinds: dict[str, Callable[[], Any]] = {
        "object": lambda: _object(schema, root, path),
        "array": lambda: _array(schema, root, path),
        "string": lambda: name,
        "boolean": lambda: True,
        "integer": lambda: int(max(schema.get("minimum", 0), 3)),
        "number": lambda: 0.5,
    }
    return kinds[schema["type"]]()


def _object(schema: Json, root: Json, path: str) -> Any:
    if "properties" in schema:
        return {name: filled(part, root, f"{path}.{name}") for name, part in schema["properties"].items()}
    return {"example": filled(schema["additionalProperties"], root, path + "[]")}


def _array(schema: Json, root: Json, path: str) -> Any:
    if "prefixItems" in schema:
        return [filled(part, root, path + "[]") for part in schema["prefixItems"]]
    return [filled(schema["items"], root, path + "[]")]


def schema_of(name: str) -> Json:
    found: Json = json.loads((PACKAGE / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def changed(base: Json, **paths: Any) -> Json:
    """A copy with other values: `model__classes=3`; `...` removes the field."""
    made = copy.deepcopy(base)
    for path, value in paths.items():
        *parents, last = path.split("__")
        part: Any = made
        for parent in parents:
            part = part[int(parent) if parent.isdigit() else parent]
        if value is ...:
            del part[last]
        else:
            part[last] = value
    return made


def contract_files() -> dict[str, Any]:
    """`contracts.json` and the files that it names."""
    full = filled(schema_of("contract"), schema_of("contract"), "")
    old = filled(schema_of("contract-1"), schema_of("contract-1"), "")
    sparse = {name: full[name] for name in schema_of("contract")["required"]}
    sparse = changed(sparse, model__sizes=..., model__weights=..., input__quantization=..., golden=[])
    upgraded = json.loads(Contract.model_validate(old).model_dump_json())
    other = changed(full, model__family="vit", model__variant="vit_tiny_patch16_224", model__sizes=OTHER_SIZES)
    accepted = {"complete": full, "sparse": sparse, "other-family": other, "schema-1": old}
    refused = {
        "schema-3": (changed(full, schema_version=3), "an unknown schema_version"),
        "schema-text": (changed(full, schema_version="2"), "a schema_version that is not a number"),
        "no-schema": (changed(full, schema_version=...), "no schema_version"),
        "unknown-field": (changed(full, model__speed=1), "a field that the schema does not have"),
        "unknown-field-at-top": (changed(full, extra=1), "a field that the schema does not have"),
        "missing-field": (changed(full, input__range=...), "a required field is missing"),
        "unknown-word": (changed(full, preprocessing__mode="long side"), "a word that the schema does not have"),
        "unknown-arithmetic": (changed(full, artifact__arithmetic="bf16"), "a word that the schema does not have"),
        "number-as-text": (changed(full, model__classes="many"), "text instead of a number"),
        "short-shape": (changed(full, input__shape=[1, 3, 224]), "three sizes instead of four"),
        "schema-1-with-field-of-2": (changed(old, model__family="levit"), "schema 1 with a field of schema 2"),
        "schema-1-with-arithmetic": (changed(old, artifact__arithmetic="fp32"), "schema 1 with a field of schema 2"),
        "schema-2-with-field-of-1": (changed(full, preprocessing__resize_px=256), "schema 2 with a field of schema 1"),
        "no-bound": (changed(full, tolerance__min_sqnr_db=0.0), "a bound out of its range"),
    }
    files = {f"contracts/{name}.json": one for name, one in accepted.items()}
    files |= {"contracts/schema-1.as-2.json": upgraded}
    return files | _index("contracts", accepted, refused, {"schema-1": "contracts/schema-1.as-2.json"})


def timing_files() -> dict[str, Any]:
    """`timing.json` and the files that it names."""
    schema = schema_of("timing")
    full = filled(schema, schema, "")
    full["device"]["platform"] = "android"
    sparse = {name: full[name] for name in schema["required"]} | {"before": {}, "after": {}}
    timing = {name: full["timings"][0][name] for name in schema["$defs"]["Timing"]["required"]}
    sparse["timings"] = [
        timing | {"parity": {"verdict": "not run"}, "not_run": "the process died while loading on GPU"}
    ]
    several = copy.deepcopy(full)
    several["timings"] = [full["timings"][0] | {"name": name} for name in ("name", "other")]
    old = filled(schema_of("timing-1"), schema_of("timing-1"), "")
    upgraded = json.loads(TimingRun.model_validate(old).model_dump_json())
    accepted = {"complete": full, "not-run": sparse, "several": several, "schema-1": old}
    refused = {
        "schema-3": (changed(full, schema_version=3), "an unknown schema_version"),
        "schema-text": (changed(full, schema_version="2"), "a schema_version that is not a number"),
        "schema-1-with-field-of-2": (changed(old, before__screen_on=True), "schema 1 with a field of schema 2"),
        "schema-1-with-part-of-2": (changed(old, during=[]), "schema 1 with a field of schema 2"),
        "schema-1-with-timing-of-2": (changed(old, timings__0__pss_bytes=[]), "schema 1 with a field of schema 2"),
        "no-schema": (changed(full, schema_version=...), "no schema_version"),
        "unknown-field": (changed(full, device__colour="red"), "a field that the schema does not have"),
        "missing-field": (changed(full, device__soc=...), "a required field is missing"),
        "negative-time": (changed(full, timings__0__samples_ms=[3.0, -1.0, 2.0]), "a time below 0"),
        "no-samples": (
            changed(full, timings__0__samples_ms=[], timings__0__process_samples=[]),
            "neither samples nor a reason",
        ),
        "samples-and-reason": (changed(full, timings__0__not_run="no"), "samples and a reason for none"),
        "other-count": (changed(full, timings__0__process_samples=[1, 1]), "process_samples of another sum"),
        "same-name": (changed(several, timings__1__name="name"), "two timings of one name"),
        "unknown-baseline": (changed(full, against=["nobody"]), "against names an unknown timing"),
        "no-time-zone": (changed(full, started_at="2026-01-31T12:00:00"), "a time without its zone"),
        "battery-of-120": (changed(full, before__battery_percent=120), "a charge above 100%"),
    }
    for one in accepted.values():
        TimingRun.model_validate(one)
    files = {f"timing/{name}.json": one for name, one in accepted.items()}
    files |= {"timing/schema-1.as-2.json": upgraded}
    return files | _index("timing", accepted, refused, {"schema-1": "timing/schema-1.as-2.json"})


def index_files() -> dict[str, Any]:
    """`indexes.json` and the files that it names: indexes of deployed bundles."""
    files = [
        {"path": path, "bytes": size, "sha256": digit * 64}
        for path, size, digit in (
            ("contract.json", 4211, "0"),
            ("golden/a.rgb8", 0, "a"),
            ("gr\u00f6\u00dfe.txt", 2**40, "f"),
        )
    ]
    bundles = [{"name": "levit_128s-tflite-int8", "files": files}, {"name": "other", "files": []}]
    full = {"schema_version": 1, "bundles": bundles}
    first = "bundles__0__files__0"
    outside = {"up": "../x", "root": "/x", "empty": "", "twice": "a//b", "here": "./a", "back": "a\\b", "nul": "a\0b"}
    refused = {
        "schema-2": (changed(full, schema_version=2), "an unknown schema_version"),
        "schema-text": (changed(full, schema_version="1"), "a schema_version that is not a number"),
        "no-schema": (changed(full, schema_version=...), "no schema_version"),
        "unknown-field": (changed(full, **{f"{first}__mode": 1}), "a field that the schema does not have"),
        "missing-field": (changed(full, **{f"{first}__bytes": ...}), "a required field is missing"),
        "negative": (changed(full, **{f"{first}__bytes": -1}), "a size below 0"),
        "short-digest": (changed(full, **{f"{first}__sha256": "0" * 63}), "a digest of 63 digits"),
        "upper-digest": (changed(full, **{f"{first}__sha256": "A" * 64}), "a digest in upper case"),
        "same-path": (changed(full, **{f"{first}__path": "golden/a.rgb8"}), "two files of one path"),
        "same-name": (changed(full, bundles__1__name="levit_128s-tflite-int8"), "two bundles of one name"),
        "name": (changed(full, bundles__0__name="a/b"), "a name that is a path"),
        "name-up": (changed(full, bundles__0__name=".."), "a name that is the folder above"),
    }
    for name, path in outside.items():
        refused[f"path-{name}"] = (changed(full, **{f"{first}__path": path}), "a path that is not plain")
    accepted = {"complete": full, "empty": {"schema_version": 1, "bundles": []}}
    return {f"indexes/{name}.json": one for name, one in accepted.items()} | _index("indexes", accepted, refused, {})


def _index(folder: str, accepted: Json, refused: dict[str, tuple[Json, str]], equals: dict[str, str]) -> Json:
    """Refused files are stored inside the index: nobody should mistake one for an example."""
    listed = [{"name": name, "file": f"{folder}/{name}.json", "equals": equals.get(name)} for name in accepted]
    return {
        f"{folder}.json": {
            "accepted": listed,
            "refused": [{"name": name, "why": why, "content": one} for name, (one, why) in refused.items()],
        }
    }
