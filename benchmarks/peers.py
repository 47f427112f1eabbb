"""Other engines beside ours, on the bundled trained model: the table in docs/measured.md.

    python benchmarks/peers.py                                    every engine and core
    python benchmarks/peers.py --peers ncnn,ours --cores cortex-a76 --json build/peers.json
    python benchmarks/peers.py --check                            one picture, to see that every engine still works

The first call installs pinned packages in the user's cache folder. `levit-mobile setup arm64` comes first. A JSON file
that is there is gone on from: its rows are not measured again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any

import numpy as np
import typer
from engines import making, record, source, timing
from engines.engine import ENGINES, PRECISIONS, Given, Row, Unavailable, engine
from engines.environment import versions
from engines.measuring import Measured, Truth, measure
from engines.running import HOST, Served
from numpy.typing import NDArray

from levit_mobile.arm64.cpus import CPUS, chosen
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.download import BUNDLED
from levit_mobile.model.parts.counts import count_macs
from levit_mobile.pipeline.source_model import held_out_digits
from levit_mobile.runners import eager

BASE = ("ours", "tflite-fp32")  # what times are compared with


def main(
    peers: Annotated[str, typer.Option(help="Engines, separated by commas.")] = ",".join(ENGINES),
    precisions: Annotated[str, typer.Option(help="Precisions, separated by commas.")] = ",".join(PRECISIONS),
    cores: Annotated[str, typer.Option(help="Emulated cores, separated by commas.")] = ",".join(CPUS),
    pictures: Annotated[int, typer.Option(help="Held-out pictures on this machine.")] = 256,
    emulated: Annotated[int, typer.Option(help="Pictures on the emulated Cortex-A76; a quarter in float16.")] = 32,
    rounds: Annotated[int, typer.Option(help="Rounds of timing here; 0 leaves it out.")] = 40,
    work: Annotated[Path | None, typer.Option(help="Folder of the exported files, kept and used again.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File of all figures.")] = None,
    check: Annotated[bool, typer.Option("--check", help="One picture and no times.")] = False,
) -> None:
    """Export the trained model to each engine, hold it against the trained model, and count its instructions."""
    if check:
        pictures, emulated, rounds = 1, 1, 0
    names, wanted = _chosen(peers, "engine", ENGINES), [cpu.name for cpu in chosen(cores)] if cores else []
    of = _chosen(precisions, "precision", PRECISIONS)
    folder = work or Path(mkdtemp(prefix="levit-mobile-peers-"))
    folder.mkdir(parents=True, exist_ok=True)
    given, truth = making.source(folder), _truth(folder / f"truth-{pictures}.npz", pictures, emulated)
    rows = record.read(json_file) if json_file else []
    for name in names:
        for row in engine(name).ROWS:
            if row.precision in of and not any((one.engine, one.row) == (name, row.name) for one in rows):
                rows.append(_row(name, row, given, folder, wanted, truth))
                _save(json_file, rows, truth)
    if rounds:
        _time(rows, given, folder, truth, rounds)
        _save(json_file, rows, truth)
    print("\n".join(record.table(record.ranked(rows), wanted, truth.macs)), *record.reasons(rows), sep="\n")
    print("\n".join(record.floors(wanted, truth.macs)))


def _chosen(words: str, kind: str, known: tuple[str, ...]) -> list[str]:
    names = [name.strip() for name in words.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"unknown {kind} {unknown[0]!r}, expected one or more of {', '.join(known)}")
    return names


def _truth(path: Path, count: int, emulated: int) -> Truth:
    """Pictures and logits from a file, which is written where there is none."""
    checkpoint = load_checkpoint(BUNDLED)
    if not path.exists():
        pictures, logits = _trained(checkpoint, count)
        np.savez(path, pictures=pictures, logits=logits)
    with np.load(path) as found:
        return Truth(found["pictures"], found["logits"], min(emulated, count), _macs(checkpoint))


def _macs(checkpoint: Checkpoint) -> int:
    """Multiply-accumulates of the graph that every engine starts from, which has one head left."""
    return count_macs(source.rewritten(checkpoint, "tokens"), checkpoint.input_size)


def _trained(checkpoint: Checkpoint, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Held-out pictures, and the trained model's logits."""
    spec = checkpoint.prepared()
    trained = eager.load(checkpoint.model, spec)
    batches = list(held_out_digits(spec, count).batches(8))
    return np.concatenate(batches), np.concatenate([trained(batch) for batch in batches])


def _row(name: str, row: Row, given: Given, folder: Path, cores: list[str], truth: Truth) -> Measured:
    try:
        found = measure(name, row, making.make(name, row, given, folder), cores, truth)
    except Unavailable as error:
        found = Measured(name, row.name, row.precision, row.recipe, reasons={"the export": str(error)})
    print("\n".join(record.table([found], cores, truth.macs)[2:]), *record.reasons([found]), sep="\n", flush=True)
    return found


def _time(rows: list[Measured], given: Given, folder: Path, truth: Truth, rounds: int) -> None:
    """Every row that runs here, in turn."""
    served = {}
    wanted = [(one.engine, one.row) for one in rows if HOST in one.accuracy]
    for name, title in dict.fromkeys([BASE, *wanted]):
        (row,) = (row for row in engine(name).ROWS if row.name == title)
        served[name, title] = Served(name, row, making.make(name, row, given, folder))
    found = timing.ratios(served, BASE, truth.pictures[:1], rounds)
    for one in rows:
        one.ratio = found.get((one.engine, one.row))


def _save(path: Path | None, rows: list[Measured], truth: Truth) -> None:
    if path is not None:
        about: dict[str, Any] = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions("arm64")}
        record.write(path, rows, {**about, "pictures": len(truth.pictures), "emulated_pictures": truth.emulated})


if __name__ == "__main__":
    typer.run(main)
