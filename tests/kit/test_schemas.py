"""The published JSON schemas are those that the code makes, valid and complete, and real output holds them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import write_schemas
from jsonschema import Draft202012Validator
from support import predictions, small_bundles, timings
from support import validations as made
from support.contracts import FIELDS, of_schema_1
from support.overviews import release
from typer.testing import CliRunner

from levit_mobile import cli
from levit_mobile.arm64.cost import Baseline, Cost, Function
from levit_mobile.bundle.inspect import Difference, Inspected
from levit_mobile.contract import CONTRACT_FILE, PARITY_FILE, Contract
from levit_mobile.demo.plan import PlanStep, TimingPlan
from levit_mobile.deployment.deploy import Deployment, deploy
from levit_mobile.deployment.index import INDEX_FILE
from levit_mobile.errors import BundleError, ToolchainMissing
from levit_mobile.images.image_set import Skipped
from levit_mobile.interfaces.inspection import Fallback, Inspection, Port
from levit_mobile.overview.collect import gather
from levit_mobile.overview.join import join
from levit_mobile.parity.report import Proof
from levit_mobile.pipeline.half import CoreProof, HalfProof
from levit_mobile.pipeline.quantization_summary import QuantizationSummary, Speed, Tables
from levit_mobile.pipeline.writing import Bundle
from levit_mobile.quantization.plan import PLANS
from levit_mobile.recipe import RECIPES
from levit_mobile.reporting.tables.convert import bundles_json
from levit_mobile.reporting.tables.cost import costs_json
from levit_mobile.reporting.tables.deploy import deployment_json
from levit_mobile.reporting.tables.doctor import doctor_json
from levit_mobile.reporting.tables.dry_run import dry_run_json, planned
from levit_mobile.reporting.tables.inspect import differences_json, inspections_json
from levit_mobile.reporting.tables.predict import predictions_json
from levit_mobile.reporting.tables.report import overview_json
from levit_mobile.reporting.tables.validate import validations_json
from levit_mobile.runtimes.doctor import Diagnosis, Examination
from levit_mobile.timing.record import Block, Profile
from levit_mobile.validation.results import Emulation

NAMES = [one.name for one in write_schemas.PUBLISHED]
VERSIONS = {one.name: one.version for one in write_schemas.PUBLISHED}
FILES = {one.name for one in write_schemas.PUBLISHED if one.is_file}
CALIBRATION = {
    "source": "train",
    "pictures": 512,
    "pictures_sha256": "0" * 64,
    "seed": 0,
    "observer": "percentile",
    "plan_sha256": "0" * 64,
    "for_release": True,
    "concerns": ["all calibration images show one class"],
}
INSIDE = Inspection(
    ops={"CONV_2D": 4},
    partitions=1,
    fallbacks=(Fallback("GELU", 1, "no kernel"),),
    max_rank=4,
    weight_bytes={"float32": 400},
    products=4,
    integer_products=0,
    format="TFLite flatbuffer, schema 3",
    inputs=(Port("image", "int8", (1, 224, 224, 3), 0.5, -128), Port("picture", "image", (224, 224), color="RGB")),
    outputs=(Port("logits", "float32", (1, 10)),),
    class_labels=10,
    delegates={"XNNPACK": 1},
    kind_bytes={"head": 400},
    activations={"float32": 9},
    macs=1000,
    minimum="runtime 2.3",
    metadata={"licence": "Apache-2.0"},
    notes=("a note",),
)


def schema(name: str) -> dict[str, Any]:
    """A committed schema."""
    text = (write_schemas.FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that lists an object's fields."""
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict) and part.get("type") == "object":
            yield part
        for inner in part.values():
            yield from objects(inner)


def closed(whole: dict[str, Any]) -> dict[str, Any]:
    """The schema with no room for a field that it does not list."""
    strict = copy.deepcopy(whole)
    for part in objects(strict):
        part["additionalProperties"] = False
    return strict


# What the commands print, from the functions that make it


def bundle(folder: Path) -> Bundle:
    """A bundle on disk around an artifact that nothing runs."""
    contract = small_bundles.bundle(folder, "tflite-int8")
    proof = Proof.model_validate_json((folder / PARITY_FILE).read_bytes())
    stored = {"quantization": {"scale": 1 / 255, "zero_point": -128}, "dtype": "int8"}
    facts = contract.model_dump()
    facts |= {"calibration": CALIBRATION, "input": facts["input"] | stored, "output": facts["output"] | stored}
    whole = Contract.model_validate(facts)
    speed = Speed((3.0, 3.1, 3.2) * 5, (8.0, 8.1, 8.2) * 5, 5, (3,) * 5)
    summary = QuantizationSummary(("head",), Tables("int8 per head", 64.5, 8), speed)
    return Bundle(folder, whole, proof, INSIDE, summary)


def printed_by_convert(folder: Path) -> Iterator[str]:
    whole = bundle(folder / "levit_128s-tflite-int8")
    nan = made.not_a_number().report
    cores = (CoreProof("cortex-a53", 8, 34.4, 34.4), CoreProof("cortex-a76", 8, None, None, ("it crashed",)))
    whole, unproven = replace(whole, half=HalfProof(cores)), HalfProof(not_run="ARM64 is not set up")
    exact = QuantizationSummary(None, Tables("float32", float("inf"), 8), None, "no Mac")
    broken = replace(whole, proof=Proof(verdict="broken", reasons=("NaN",), report=nan), integers=exact, half=unproven)
    yield bundles_json(
        [whole, broken, replace(whole, integers=None, half=None)], {"coreml-fp32": BundleError("no room")}
    )
    yield bundles_json([], {})


def printed_by_convert_dry_run(folder: Path) -> Iterator[str]:
    recipes = [RECIPES["tflite-int8"], RECIPES["coreml-fp16"]]
    found = planned(recipes, folder, "levit_128s")
    yield dry_run_json(found, {"coreml-fp16": ToolchainMissing("coremltools", "coreml")})
    yield dry_run_json(planned(recipes, folder, None), {})


def printed_by_validate(_: Path) -> Iterator[str]:
    emulated = Emulation(
        cpu="cortex-a76",
        host=made.LITERT,
        relative_error=5e-7,
        max_relative_error=1e-5,
        host_sqnr_db=124.6,
        difference_db=2.0,
        max_difference_db=None,
        flips=(made.picture(3, 0.1, flip=True),),
        max_margin=2e-5,
        instructions={"sdot, udot": 17_980_000},
    )
    yield validations_json([*made.everything(), made.proven(emulation=emulated)])
    yield validations_json([])


def inspected(folder: Path) -> tuple[Inspected, Inspected]:
    contract = bundle(folder / "one").contract
    bare = Inspection({}, None, (), 0, {}, products=0, integer_products=0)
    whole = Inspected(folder, "tflite", 400, "5f" * 32, INSIDE, contract, ("the contract names another input",))
    return whole, Inspected(folder / "b", "coreml", 9, "a0" * 32, bare)


def printed_by_inspect(folder: Path) -> Iterator[str]:
    yield inspections_json(inspected(folder), ["x.pte is cut short"], {"x.pte": "artifact.damaged"})


def printed_by_inspect_diff(folder: Path) -> Iterator[str]:
    a, b = inspected(folder)
    yield differences_json(a, b, [Difference("op", "ADD", 3, None), Difference("", "minimum", "iOS 16", "iOS 17")])
    yield differences_json(a, a, [])


def printed_by_bench(_: Path) -> Iterator[str]:
    profile = Profile(how="cut into blocks", blocks=(Block(name="stem", samples_ms=(0.1, -0.1), ops={"ADD": 1}),))
    yield timings.run(timings.timing(profile=profile, process_samples=(5, 5))).written()
    yield timings.run(timings.timing("other", samples_ms=(), not_run="no Mac"), against=("other",)).written()


def costs() -> tuple[Cost, ...]:
    found = Cost(
        artifact="levit_128s-tflite-int8",
        artifact_sha256="5f" * 32,
        runtime="LiteRT 2.3.0",
        cpu="cortex-a76",
        instructions=43_080_000,
        classes={"loads": 43_080_000},
        outside=430_800,
        outside_by="names",
        functions=(Function(file="libc.so.6", name="", instructions=430_800),),
    )
    return found, found.model_copy(update={"outside_by": "delegate calls"})


def printed_by_cost(_: Path) -> Iterator[str]:
    first, second = costs()
    yield costs_json([first], [second], ["it has grown"])


def printed_by_predict(folder: Path) -> Iterator[str]:
    for head in ("softmax", "none"):
        yield predictions_json(predictions.run(folder / head, head=head, skipped=(Skipped("b.jpg", "b.jpg is empty"),)))


def printed_by_report(folder: Path) -> Iterator[str]:
    found = gather(release(folder))
    yield overview_json(found, join(found))


def printed_by_doctor(_: Path) -> Iterator[str]:
    rows = (
        Diagnosis("coreml", True, False, {"coremltools": "9.0", "torch": None}, ("Core ML runs on macOS only",)),
        Diagnosis("tflite", False, True, {}, ("not known whether it converts",), ("converts",)),
    )
    yield doctor_json(Examination("a machine", rows, False, "ARM64: NOT RUN"))


def deployments(folder: Path) -> Iterator[Deployment]:
    """Into an app that states its runtimes, once with a difference, and into a folder outside of any app."""
    small_bundles.bundle(folder / "one", "executorch-fp32")
    (folder / "app").mkdir()
    (folder / "app" / "build.gradle").write_text("id 'com.android.application'\n'org.pytorch:executorch-android:1.4.1'")
    yield deploy([folder / "one"], folder / "app", check=True)
    yield deploy([folder / "one"], folder / "app")
    yield deploy([folder / "one"], folder / "app")
    (folder / "plain").mkdir()
    yield deploy([folder / "one"], folder / "plain")


def printed_by_deploy(folder: Path) -> Iterator[str]:
    yield from (deployment_json(done, checked=bool(done.differences)) for done in deployments(folder))


def indexes(folder: Path) -> Iterator[str]:
    yield from ((done.folder / INDEX_FILE).read_text("utf-8") for done in [*deployments(folder)][1:])


def printed_by_recipes(_: Path) -> Iterator[str]:
    yield CliRunner().invoke(cli.app, ["recipes", "--json"]).stdout


def printed_on_failure(folder: Path) -> Iterator[str]:
    (folder / "empty").mkdir()
    yield CliRunner().invoke(cli.app, ["report", str(folder / "empty"), "--json"]).stdout


def timing_plans(_: Path) -> Iterator[str]:
    step = PlanStep(bundle="levit_128s-tflite-int8", accelerator="gpu", threads=4)
    yield TimingPlan(steps=(step,), picture_px=(1280, 720)).model_dump_json()


def plans(_: Path) -> Iterator[str]:
    yield from (path.read_text(encoding="utf-8") for path in sorted(PLANS.glob("*.json")))


def contracts(folder: Path) -> Iterator[str]:
    for recipe in small_bundles.SAMPLES:
        small_bundles.bundle(folder / recipe, recipe)
        yield (folder / recipe / CONTRACT_FILE).read_text(encoding="utf-8")
    yield bundle(folder / "calibrated").contract.model_dump_json()


def parities(folder: Path) -> Iterator[str]:
    for recipe, verdict in (("tflite-int8", "proven"), ("coreml-fp16", "not run")):
        small_bundles.bundle(folder / recipe, recipe, verdict=verdict)
        yield (folder / recipe / PARITY_FILE).read_text(encoding="utf-8")
    yield Proof(verdict="broken", reasons=("NaN",), report=made.not_a_number().report).model_dump_json()


def baselines(_: Path) -> Iterator[str]:
    yield (write_schemas.ROOT / "benchmarks" / "arm64_baseline.json").read_text(encoding="utf-8")
    yield Baseline(versions={"executorch": "1.4.1"}, instructions={"a": {"cortex-a76": 3}}).model_dump_json()


REAL: dict[str, Callable[[Path], Iterator[str]]] = {
    "contract": contracts,
    "parity": parities,
    "plan": plans,
    "timing": printed_by_bench,
    "bench": printed_by_bench,
    "device": printed_by_bench,  # an app's record: tests/device/test_demo_cli.py holds a real one to its own schema
    "timing-plan": timing_plans,
    "cost-baseline": baselines,
    "convert": printed_by_convert,
    "validate": printed_by_validate,
    "inspect": printed_by_inspect,
    "convert-dry-run": printed_by_convert_dry_run,
    "inspect-diff": printed_by_inspect_diff,
    "cost": printed_by_cost,
    "predict": printed_by_predict,
    "report": printed_by_report,
    "doctor": printed_by_doctor,
    "recipes": printed_by_recipes,
    "deploy": printed_by_deploy,
    "bundle-index": indexes,
    "failure": printed_on_failure,
}


@pytest.fixture(scope="module", params=NAMES)
def output(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Any]]:
    """The name of a schema, and real JSON that it describes."""
    texts = REAL[request.param](tmp_path_factory.mktemp(request.param))
    return request.param, [json.loads(text) for text in texts]


# The files


def test_the_committed_schemas_are_those_of_the_code() -> None:
    expected = write_schemas.written()
    former = {write_schemas.FOLDER / f"{name}.schema.json" for name in write_schemas.FORMER_VERSIONS}
    assert set(write_schemas.FOLDER.iterdir()) <= set(expected) | former
    for path, text in expected.items():
        assert path.read_text(encoding="utf-8") == text, "run python tools/write_schemas.py"


def test_every_command_with_json_has_a_schema() -> None:
    import typer

    group: Any = typer.main.get_command(cli.app)
    with_json = {name for name, one in group.commands.items() if any("--json" in p.opts for p in one.params)}
    assert with_json <= set(NAMES)
    assert set(NAMES) == set(REAL)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_says_what_it_is(name: str) -> None:
    whole = schema(name)
    Draft202012Validator.check_schema(whole)
    assert whole["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    version = VERSIONS[name]
    assert whole["$id"] == f"urn:levit-mobile:{name}:{version}"
    assert whole["title"]
    assert whole["properties"].get("schema_version", {"const": version})["const"] == version
    assert ("schema_version" in whole["properties"]) == (name != "failure")


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_a_description(name: str) -> None:
    fields = {field: form for part in objects(schema(name)) for field, form in part["properties"].items()}
    assert fields
    assert [field for field, form in fields.items() if not form.get("description", "").endswith(".")] == []


@pytest.mark.parametrize("name", NAMES)
def test_files_are_closed_and_outputs_may_grow(name: str) -> None:
    found = {part.get("additionalProperties", "open") for part in objects(schema(name))}
    if name in FILES:
        assert False in found
        assert "no others" in schema(name)["description"]
    else:
        assert "may add fields" in schema(name)["description"]
        assert schema(name).get("additionalProperties", "open") == "open"


def test_no_description_is_of_a_field_that_is_gone() -> None:
    listed: dict[str, set[str]] = {}
    for one in write_schemas.PUBLISHED:
        whole = write_schemas.made(one)
        names = {getattr(one.kind, "__name__", ""): whole, **whole.get("$defs", {})}
        for kind, part in names.items():
            listed.setdefault(kind, set()).update(part.get("properties", {}))
    for kind, fields in write_schemas.words().items():
        assert set(fields) <= listed[kind], kind


def test_former_versions_have_their_schemas_still() -> None:
    former = {name: schema(name) for name in write_schemas.FORMER_VERSIONS}
    assert [one["$id"] for one in former.values()] == ["urn:levit-mobile:contract:1", "urn:levit-mobile:timing:1"]
    assert errors(former["contract-1"], of_schema_1()) == []
    assert errors(schema("contract"), of_schema_1())
    assert errors(former["contract-1"], FIELDS)
    old = json.loads(timings.OF_SCHEMA_1.read_text(encoding="utf-8"))
    assert errors(former["timing-1"], old) == []
    assert errors(schema("timing"), old) == ["$.schema_version: 2 was expected"]


def test_the_former_places_hold_the_same() -> None:
    for name in ("contract", "timing"):
        former = write_schemas.PACKAGE / f"{name}.schema.json"
        assert json.loads(former.read_text(encoding="utf-8")) == schema(name)


# What is printed


def errors(whole: dict[str, Any], found: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(found)]


def test_real_output_holds_its_schema(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    assert documents
    for found in documents:
        assert errors(schema(name), found) == []


def test_every_field_of_real_output_is_in_its_schema(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    for found in documents:
        assert errors(closed(schema(name)), found) == []


def test_real_output_has_every_field_of_its_schema_somewhere(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    printed = {key for found in documents for key in keys(found)}
    assert {field for part in objects(schema(name)) for field in part["properties"]} <= printed


def test_a_new_field_is_let_pass_in_an_output_and_not_in_a_file(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    grown = {**documents[0], "of_the_future": 1}
    assert bool(errors(schema(name), grown)) == (name in FILES)


def test_a_value_of_another_type_is_refused_wherever_it_is(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    validator, short = Draft202012Validator(schema(name)), shortened(documents[0])
    assert validator.is_valid(short)
    for path in shapes(short):
        spoiled = copy.deepcopy(short)
        place = spoiled
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = [{"not": ["expected"]}]
        assert not validator.is_valid(spoiled), path


def test_a_missing_field_is_refused(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    for field in schema(name)["required"]:
        assert errors(schema(name), {key: value for key, value in documents[0].items() if key != field}), field


def test_another_schema_version_is_refused(output: tuple[str, list[Any]]) -> None:
    name, documents = output
    if name != "failure":
        assert errors(schema(name), {**documents[0], "schema_version": VERSIONS[name] + 1})


def keys(found: Any) -> Iterator[str]:
    """The names of all fields at any depth."""
    if isinstance(found, dict):
        yield from found
    for inner in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from keys(inner)


def shortened(found: Any) -> Any:
    """The same with at most four elements per list: lists of one size, such as shapes, have no more."""
    if isinstance(found, dict):
        return {key: shortened(inner) for key, inner in found.items()}
    return [shortened(inner) for inner in found[:4]] if isinstance(found, list) else found


def shapes(found: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value, of lists the first element alone."""
    inner = found.items() if isinstance(found, dict) else enumerate(found[:1]) if isinstance(found, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from shapes(value, (*path, key))
