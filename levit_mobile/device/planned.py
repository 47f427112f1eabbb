"""What a device is to run and what is expected of it: all that is needed to read its lines later, on any machine."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from levit_mobile.contract import Output
from levit_mobile.interfaces.inspection import Port
from levit_mobile.parity.logit_stats import Head
from levit_mobile.recipe import Tolerance
from levit_mobile.system.files import Sha256
from levit_mobile.timing.golden import Expected, Subject
from levit_mobile.timing.record import App, Moment, RecordPart, Timing

Count = Annotated[int, Field(ge=0)]
AS_CONTRACT = "as its contract says"


class StoredExpectation(RecordPart):
    """The trained model's logits for golden pictures; `logits` is the base64 of float32, little-endian, [N,classes]."""

    owner: str
    names: tuple[str, ...]
    logits: str
    classes: Annotated[int, Field(ge=1)]
    size: tuple[int, int]
    digest: Sha256

    @classmethod
    def of(cls, one: Expected) -> StoredExpectation:
        """For a file."""
        logits = base64.b64encode(one.logits.astype("<f4").tobytes()).decode()
        return cls(
            owner=one.owner,
            names=one.names,
            logits=logits,
            classes=one.logits.shape[1],
            size=one.size,
            digest=one.digest,
        )

    def expected(self) -> Expected:
        """For a judgement. Raises ValueError where the logits are cut short."""
        logits = np.frombuffer(base64.b64decode(self.logits), "<f4").reshape(len(self.names), self.classes)
        return Expected(self.owner, self.names, logits.astype(np.float32), self.size, self.digest)


class Way(RecordPart):
    """One meaning of an input: its name, and how many inputs in a row are given by it."""

    name: str
    inputs: Count


class PlannedArtifact(RecordPart):
    """One artifact. `timing` is its record before anything ran; `key` is what the programs call it, "" where it does
    not run on the device at all, for the reason that `timing` has.

    `output` is the contract's, or `source` and `results` are what an artifact without one states about itself.
    """

    key: str
    timing: Timing
    in_bundle: bool
    tolerance: Tolerance | None = None
    head: Head = "softmax"
    expectation: Count | None = None
    ways: tuple[Way, ...] = ()
    output: Output | None = None
    source: Port | None = None
    results: tuple[Port, ...] = ()
    shape: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> Subject:
        """What is judged."""
        return Subject(self.timing.name, self.in_bundle, self.tolerance, self.head)


class PlannedRun(RecordPart):
    """All artifacts of a run, and how often they run.

    `local` is this machine and no phone; `pinned` says that a mask of cores was given.
    """

    schema_version: Literal[1] = 1
    app: App
    made_at: Moment
    local: bool = False
    command: str = ""
    against: tuple[str, ...] = ()
    rounds: Annotated[int, Field(ge=2)]
    warmup: Count
    starts: Annotated[int, Field(ge=1)]
    picture_px: tuple[int, int]
    pinned: bool = False
    expectations: tuple[StoredExpectation, ...] = ()
    artifacts: tuple[PlannedArtifact, ...]
    versions: dict[str, str] = Field(default_factory=dict)
