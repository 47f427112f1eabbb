"""Everything that this package raises on purpose.

LevitMobileError            one clear sentence; the CLI prints it and exits 1
├── CheckpointError         weights that are missing, surplus, misshapen, not finite, unsafe or not a LeViT
├── DownloadError           weights that could not be fetched; says what to download and where to put it
├── ImageError              a picture that cannot be read, or a folder without pictures
├── RecipeError             an unknown recipe, target or precision; lists the known ones
├── LabelsError             a labels file that does not fit the checkpoint
├── ToolchainMissing        a vendor package that is not installed; carries the pip line
├── ConversionError         a vendor toolchain failed, or left an op outside its delegate
├── ArtifactError           an artifact that cannot be read or run
├── RunnerUnavailable       a runtime that does not exist on this machine: NOT RUN, never "passed"
├── TimingError             a record of times that cannot be read, or compared with another
└── BundleError             a bundle that is damaged, of an unknown schema, or in the way
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import ClassVar, Self

# What runtimes raise, most special first, and the artifact's fault that it stands for.
FAILURES: Mapping[type[Exception], str] = {
    MemoryError: "out-of-memory",
    TimeoutError: "timeout",
    ChildProcessError: "crashed",
}


class LevitMobileError(Exception):
    """Base of every error that this package raises on purpose; ``str(error)`` is one sentence for a person.

    Codes are stable, sentences are not. ``FAULTS`` lists the faults of a kind with their meanings; docs/errors.md is
    made from them.

    Args:
        sentence: What went wrong, what was expected and what to do.
        fault: A key of the kind's ``FAULTS``; None for a kind without faults.

    Attributes:
        KIND: First half of the code, such as ``checkpoint``.
        FAULTS: The faults of this kind and what each means.
        fault: Second half of the code, such as ``shape``; None for the kind alone.

    Raises:
        KeyError: The kind does not list the fault.
    """

    KIND: ClassVar[str] = "error"
    FAULTS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, sentence: str = "", *, fault: str | None = None) -> None:
        super().__init__(sentence)
        self.fault = fault
        if fault is not None:
            self.FAULTS[fault]

    @property
    def code(self) -> str:
        """The code for programs: ``<kind>.<fault>``, such as ``checkpoint.shape``, or the kind alone."""
        return f"{self.KIND}.{self.fault}" if self.fault else self.KIND

    def reworded(self, sentence: str) -> Self:
        """Return the same error with another sentence, such as one with a path in front."""
        error = copy(self)
        error.args = (sentence,)
        return error


class CheckpointError(LevitMobileError):
    """The weights cannot be imported: the message names the key, what was expected and what to do."""

    KIND: ClassVar[str] = "checkpoint"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "not-found": "the name is no file, no folder, no hub id and no official name",
        "no-weights": "a folder without exactly one file of weights, a missing shard, another file, a Git LFS pointer",
        "unreadable": "the file cannot be opened",
        "damaged": "the file is empty, cut short, or not in the format of its name",
        "unsafe": "the file asks to run code; nothing in it was run",
        "no-state-dict": "the file holds something else than tensors under names",
        "not-levit": "the names are those of another net, or of no layout that is known",
        "other-levit": "a LeViT of sizes, of a grid or of attention offsets that no variant has",
        "variant": "another variant than was asked for, or other classes or pixels than those of the bundle",
        "missing-keys": "tensors of the net are missing, and others may be surplus",
        "surplus-keys": "tensors that the net does not have, or that stand in two shards",
        "shape": "a tensor has another shape than in the net",
        "dtype": "a tensor does not hold floating-point numbers",
        "not-finite": "weights or logits are NaN or infinite",
        "metadata": "what the file or its config.json says of sizes or labels does not fit, or cannot be read",
    }


class DownloadError(LevitMobileError):
    """The weights could not be fetched: the message says what to download by hand and where to put it."""

    KIND: ClassVar[str] = "download"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "not-fetched": "there is no connection, or the server or the disk failed",
        "wrong-hash": "what came, or lies in the hub's cache, is not the file that it should be",
        "gated": "the owner of the hub's repository asks for a login and for terms to be accepted",
        "no-repository": "the hub has no such repository, or it is private",
        "no-weights": "the hub's repository holds no weights",
    }


class ImageError(LevitMobileError):
    """A picture could not be read, or a folder held none."""

    KIND: ClassVar[str] = "image"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "not-found": "a picture or a folder of pictures is not there, or the picture is no file",
        "no-pictures": "there is not one picture, or none that can be read",
        "too-few": "there are fewer pictures than a proof, a calibration or a search needs",
        "unreadable": "a picture is empty, damaged, or in no format that is known",
        "too-large": "a picture has too many pixels to be decoded safely",
        "pixel-format": "the pixels have no known range, or cannot become RGB",
        "noise": "the pictures to calibrate on are noise",
        "other-pictures": "the pictures are not those that ranges were measured on",
        "golden": "pictures were named beside golden vectors, which bring their own",
    }


class RecipeError(LevitMobileError):
    """The recipe, target or precision does not exist; the message lists those that do."""

    KIND: ClassVar[str] = "recipe"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "unknown-target": "there is no such target",
        "unknown-precision": "there is no such precision",
        "unknown-recipe": "there is no such recipe",
        "unknown-io": "there is no such type of inputs and outputs",
        "unknown-observer": "there is no such observer",
        "unknown-cpu": "there is no such CPU, or none is named",
        "not-available": "the target does not have the precision, or the recipe not the type of inputs and outputs",
        "minimum-ios": "minimum_ios is not known, too old for the precision, or given to another target than coreml",
        "int8-only": "what only int8 has was asked of another recipe or target",
        "runtime": "the runtime does not run the target's artifacts",
        "options": "options of a validation that do not go together, or lack another one",
        "unreadable": "the plan cannot be opened",
        "schema": "the file is no plan of a schema that is known",
        "other-plan": "the plan is for another variant or target, or names an edge that the net does not have",
        "other-search": "the unfinished search has another checkpoint, calibration or count",
    }


class LabelsError(LevitMobileError):
    """The labels do not fit the checkpoint's classes."""

    KIND: ClassVar[str] = "labels"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "unreadable": "the file cannot be opened",
        "format": "the file is not UTF-8 text, no CSV, or has no header with file and label",
        "count": "there are not as many labels as classes",
        "not-one-line": "a label is empty, or has several lines",
        "unknown-class": "a picture is said to show a class that the bundle does not have",
        "no-label": "a picture has no row in the file, or lies in no folder of a class",
        "no-picture": "a row of the file has no picture",
        "two-labels": "a picture has two labels",
    }


class ConversionError(LevitMobileError):
    """A vendor toolchain failed, or an op stayed outside the delegate."""

    KIND: ClassVar[str] = "conversion"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "toolchain": "the vendor's toolchain raised an error",
        "fallback": "ops of the artifact are outside its delegate",
        "partitions": "the artifact is cut into several partitions of its delegate",
        "rank": "a tensor of the artifact has more than four axes",
        "in-float": "layers that should run in integers run in float, or the plan leaves all of them in float",
        "weights": "weights of the artifact are stored in another type than the recipe's",
        "ends": "the artifact cannot take or give int8, because its ends are float inside",
        "lost-edges": "tensors whose ranges were measured are not in the artifact",
    }


class ArtifactError(LevitMobileError):
    """An artifact could not be read or run."""

    KIND: ClassVar[str] = "artifact"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "missing": "there is nothing at the path",
        "unreadable": "the system does not let it be read",
        "unknown-format": "it is none of the formats that can be read here",
        "damaged": "it is cut short, contradicts itself or leads nowhere",
        "unsupported-op": "it holds an op, or a form of one, that the runtime or the MIL reference does not have",
        "unsupported-tensor": "a tensor has a type, or an open shape, that the MIL reference does not run",
        "unsupported-model": "the model as a whole is of a kind, an opset or a delegate that cannot be read here",
        "not-one-image": "its input is not one picture",
        "mismatch": "it takes or gives something other than what was expected of it, such as by its contract",
        "refused": "its runtime would not load it",
        "failed": "its runtime loaded it, and failed to run it",
        "crashed": "the process that ran it died, or was not started any more",
        "timeout": "the process that ran it gave no answer in time",
        "out-of-memory": "it wanted more memory than there was",
        "no-profile": "it cannot be timed block by block",
    }

    @staticmethod
    def fault_of(error: Exception, otherwise: str) -> str:
        """The fault that an exception of a runtime's stands for; `otherwise` where its type does not tell."""
        return next((fault for kind, fault in FAILURES.items() if isinstance(error, kind)), otherwise)


class RunnerUnavailable(LevitMobileError):
    """The runtime does not exist on this machine; reports say NOT RUN with this reason."""

    KIND: ClassVar[str] = "runner"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "platform": "it does not exist for this system or processor",
        "not-installed": "a program, a package or a Python that it needs is not installed",
        "not-set-up": "it has to be set up first; the message names the command",
        "damaged": "what was set up has changed since; the message says how to set it up again",
        "set-up-failed": "setting it up failed",
    }


class BundleError(LevitMobileError):
    """A bundle is damaged, of an unknown schema version, or stands where a new one should go."""

    KIND: ClassVar[str] = "bundle"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "missing": "there is no bundle at the path, or nothing of ours in the folder",
        "unreadable": "a file is not there, or the system does not let it be read",
        "schema": "a file is no JSON of a known schema",
        "recipe": "it names a recipe that is not known here",
        "inconsistent": "it contradicts itself: its contract, its proof and its files do not fit each other",
        "digest": "a file is not the one that the contract was written for",
        "link": "a link leads out of its folder",
        "path": "the contract names a file that is not inside the bundle",
        "reference": "what it should be held against is not here, or does not fit it",
        "exists": "something stands already where the result should go",
        "unwritable": "the result could not be written",
    }


class TimingError(LevitMobileError):
    """A record of times cannot be read, or nothing in it can be compared with what was measured now."""

    KIND: ClassVar[str] = "timing"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "option": "a number of rounds, starts or threads that cannot be",
        "unreadable": "the record cannot be read",
        "schema": "the record is no JSON of a known schema",
        "not-timed": "the baseline has not timed this artifact",
        "other-set-up": "it was timed with other threads or compute units than in the baseline",
        "other-machine": "it was timed on another machine than the baseline, and beside nothing that both have timed",
    }


class ToolchainMissing(LevitMobileError):
    """A package that this target needs is not installed."""

    KIND: ClassVar[str] = "toolchain"
    FAULTS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed, and the {extra} target needs it: pip install 'levit-mobile[{extra}]'"
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[ToolchainMissing], tuple[str, str], dict[str, object]]:
        """From another process it comes back by its two arguments, and in the words that it has by then."""
        return type(self), (self.package, self.extra), {**vars(self), "args": self.args}
