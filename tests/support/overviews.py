"""Folders as `report` finds them: small whole bundles, validations, and times that are made up, on made-up devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from levit_mobile.contract import Contract
from levit_mobile.overview.collect import FoundBundle, FoundRun, FoundValidation, Gathered, Unread, gather
from levit_mobile.overview.join import Artifact, join
from levit_mobile.recipe import RECIPES
from levit_mobile.reporting.pages.overview import page
from levit_mobile.reporting.tables.validate import validations_json
from levit_mobile.runtimes.registry import RUNTIMES, real
from levit_mobile.system.files import digest_bytes
from levit_mobile.timing.record import App, Block, Conditions, Parity, Profile, Timing, TimingRun
from levit_mobile.validation.results import Validation
from support import timings
from support import validations as made
from support.small_bundles import SAMPLES, bundle, name
from support.timings import IPHONE, PIXEL, STARTED, samples


def timing(recipe: str = "tflite-fp32", **changes: Any) -> Timing:
    """Of the sample artifact of that recipe, by its runtime."""
    target, (megabytes, typical, sqnr_db, _) = RECIPES[recipe].target, SAMPLES[recipe]
    found = {
        "file": f"build/{name(recipe)}",
        "sha256": digest_bytes(recipe.encode()),
        "bytes": int(megabytes * 1e6),
        "target": target,
        "variant": "levit_128s",
        "recipe": recipe,
        "runtime": RUNTIMES[real(target).name].title,
        "accelerator": "coreml" if target == "coreml" else "xnnpack",
        "threads": None if target == "coreml" else 1,
        "compute_units": "all" if target == "coreml" else None,
        "parity": Parity(
            verdict="proven", against="golden", pictures=4, max_abs_error=0.01, sqnr_db=sqnr_db, top1_agreement=1.0
        ),
        "load_ms": samples(typical * 12, 5),
        "first_run_ms": samples(typical * 2, 5),
        "memory_before_bytes": (60_000_000,) * 5,
        "peak_memory_bytes": (60_000_000 + int(megabytes * 2e6),) * 5,
        "samples_ms": samples(typical),
        "end_to_end_samples_ms": samples(typical + 0.9),
    }
    return timings.timing(**{"name": name(recipe), **found, **changes})


def run(*taken: Timing, **changes: Any) -> TimingRun:
    """Times of one device, in turn: those of `tflite-fp32` unless told."""
    return timings.run(*(taken or (timing(),)), **changes)


def not_timed(recipe: str, why: str) -> Timing:
    """What a device could not run."""
    return timing(recipe, **timings.idle(why))


def validation(contract: Contract, **changes: Any) -> Validation:
    """Of a bundle's artifact, by its runtime, with the accuracy of digits."""
    return made.proven(
        bundle=name(contract.recipe),
        recipe=contract.recipe,
        artifact_sha256=contract.artifact.sha256,
        runtime=made.BY_TARGET[RECIPES[contract.recipe].target],
        report=made.parity(contract.tolerance, images=500, sqnr_db=SAMPLES[contract.recipe][2]),
        drill=None,
        **changes,
    )


def slower(factor: float, climb: float = 0.0, noise: float = 0.03) -> Callable[[str], dict[str, Any]]:
    """What a device changes in a timing."""
    return lambda recipe: {
        "samples_ms": samples(SAMPLES[recipe][1] * factor, 200, noise=noise, climb=climb),
        "end_to_end_samples_ms": samples((SAMPLES[recipe][1] + 0.9) * factor),
        "load_ms": samples(SAMPLES[recipe][1] * factor * 9, 5),
    }


def in_five_processes(recipe: str) -> dict[str, Any]:
    """As `bench` times on the host; apps time in one process."""
    return {**slower(1.0)(recipe), "process_samples": (40,) * 5}


def profile() -> Profile:
    """By the blocks of the variant."""
    blocks = [
        Block(name=block, samples_ms=samples(0.1 + 0.03 * (number % 5), 20))
        for number, block in enumerate(made.block_names())
    ]
    return Profile(how="ops timed by the runtime", blocks=tuple(blocks))


def release(folder: Path) -> Path:
    """A release candidate: eight artifacts, three devices, a simulator, something broken, something old, a scrap."""
    contracts = {
        recipe: bundle(folder / "build" / name(recipe), recipe, verdict=_verdict(recipe)) for recipe in SAMPLES
    }
    digests = {recipe: found.artifact.sha256 for recipe, found in contracts.items()}
    records = folder / "records"
    records.mkdir()
    judged = [validation(contracts[recipe]) for recipe in ("tflite-fp32", "tflite-int8", "executorch-int8")]
    broken = made.broken(
        drill=None,
        bundle=name("tflite-fp16"),
        recipe="tflite-fp16",
        runtime=made.LITERT,
        artifact_sha256=digests["tflite-fp16"],
    )
    (records / "validated.json").write_text(validations_json([*judged, broken]))
    on_cpus = [recipe for recipe in SAMPLES if not recipe.startswith("coreml")]
    write(records / "host.json", run(*_timings(on_cpus, digests, in_five_processes), against=(name("tflite-fp32"),)))
    _on_pixel(records, on_cpus, digests)
    iphone = run(
        *_timings(["coreml-fp16", "coreml-palette4"], digests, slower(0.5)),
        device=IPHONE,
        app=App(name="org.example.LevitDemo", version="1.4"),
        before=Conditions(thermal="nominal", battery_percent=61, charging=False),
        after=Conditions(thermal="fair", battery_percent=61, charging=False),
    )
    write(records / "iphone.json", iphone)
    simulated = IPHONE.model_copy(update={"model": "Sample iPhone", "simulated": True})
    write(records / "simulator.json", run(*_timings(["coreml-fp16"], digests, slower(3.0)), device=simulated))
    (records / "scrap.json").write_text('{"schema_version": 1, "timings": [')
    return folder


def _verdict(recipe: str) -> str:
    return "not run" if recipe.startswith("coreml") else "proven"


def _on_pixel(records: Path, recipes: Sequence[str], digests: dict[str, str]) -> None:
    """By one thread and four, one of them throttled, one noisy, one of an older build, one not run."""
    by_one = _timings(recipes, digests, slower(2.2))
    by_one[0] = by_one[0].model_copy(update={"samples_ms": samples(17.0, 200, climb=0.35)})
    by_one[1] = by_one[1].model_copy(update={"samples_ms": samples(7.6, 200, noise=0.14), "profile": profile()})
    by_one[2] = by_one[2].model_copy(update={"sha256": "0d" * 32})
    by_one[4] = not_timed("tflite-int4-weight", "the runtime has no kernel for int4").model_copy(
        update={"sha256": digests["tflite-int4-weight"]}
    )
    by_four = [
        one.model_copy(update={"name": f"{one.name}@4", "threads": 4, **slower(0.8)(str(one.recipe))})
        for one in _timings(["tflite-int8", "tflite-fp32"], digests, slower(0.8))
    ]
    hot = {"before": Conditions(thermal="none"), "after": Conditions(thermal="moderate")}
    app = App(name="org.example.levitdemo", version="1.4")
    against = (name("tflite-fp32"),)
    write(records / "pixel.json", run(*by_one, *by_four, device=PIXEL, app=app, against=against, **hot))
    earlier = run(
        *_timings(["tflite-int8"], digests, slower(2.6)), device=PIXEL, started_at=STARTED - timedelta(days=1)
    )
    write(records / "pixel-before.json", earlier)


def _timings(recipes: Sequence[str], digests: dict[str, str], changes: Callable[[str], dict[str, Any]]) -> list[Timing]:
    return [timing(recipe, sha256=digests[recipe], **changes(recipe)) for recipe in recipes]


def write(path: Path, found: TimingRun) -> None:
    """As `bench` and the apps do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.written(), encoding="utf-8")


def joined(folder: Path) -> tuple[Artifact, ...]:
    """All artifacts below a folder."""
    return join(gather(folder))


def drawn(folder: Path) -> str:
    """The page of a folder."""
    found = gather(folder)
    return page(found, join(found))


def hostile() -> Gathered:
    """HOSTILE wherever text comes from outside."""
    nasty = made.HOSTILE
    device = PIXEL.model_copy(update=dict.fromkeys(("model", "soc", "os", "os_version", "os_build"), nasty))
    parity = Parity(verdict="broken").model_copy(update={"reasons": (nasty,), "against": nasty})
    named = dict.fromkeys(("name", "file", "variant", "recipe", "runtime", "runtime_version", "accelerator"), nasty)
    block = profile().blocks[0].model_copy(update={"name": nasty})
    odd = timing().model_copy(
        update={**named, "target": nasty, "parity": parity, "notes": (nasty,), "sha256": nasty}
        | {"profile": profile().model_copy(update={"how": nasty, "blocks": (block,)})}
    )
    idle = not_timed("tflite-int8", "x").model_copy(update={"not_run": nasty})
    whole = run(odd, idle).model_copy(
        update={
            "device": device,
            "app": App(name="a", version="1").model_copy(update={"name": nasty, "version": nasty}),
            "command": nasty,
            "versions": {nasty: nasty},
            "before": Conditions(thermal="severe"),
        }
    )
    return Gathered(
        Path(),
        bundles=(FoundBundle(nasty, nasty, broken=nasty),),
        validations=(FoundValidation(nasty, made.hostile()),),
        runs=(FoundRun(nasty, whole),),
        unread=(Unread(nasty, nasty),),
    )
