"""Everything that this package raises on purpose.

LevitMobileError            one clear sentence; the CLI prints it and exits 1
├── CheckpointError         weights that are missing, surplus, misshapen, not finite, unsafe or of an unknown net
├── DownloadError           weights that could not be fetched; names what to download and where to put it
├── ImageError              an image that cannot be read, or a folder without images
├── RecipeError             an unknown recipe, target or precision; lists the known ones
├── LabelsError             labels that do not fit the checkpoint, or ground truth that does not fit the images
├── ToolchainMissing        a vendor package that is not installed; carries the pip line
├── ConversionError         a vendor toolchain failed, or left an op outside its delegate
├── ArtifactError           an artifact that cannot be read or run
├── RunnerUnavailable       a runtime that does not exist on this machine: NOT RUN, never "passed"
├── TimingError             a timing record that cannot be read or compared with another
├── DeviceError             a phone that is not ready, was unplugged, or could not do what was asked
├── ClusterError            a scheduler or workers that cannot be used, or that were lost for good
└── BundleError             a bundle that is damaged or of an unknown schema, or a path that is already taken
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import ClassVar, Self

# Exceptions that runtimes raise, most special first, and the fault of ArtifactError that each one means.
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
        "not-found": "the name is not a file, a folder, a hub id or an official name",
        "no-weights": "a folder does not hold exactly one weight file, a shard is missing, or a file holds no weights",
        "unreadable": "the file cannot be opened",
        "damaged": "the file is empty, cut short, not in the format of its name, or claims more than it holds",
        "unsafe": "the file asks to run code; nothing in it was run",
        "no-state-dict": "the file does not hold tensors under names",
        "weights": "the file does not hold the weights that were asked for, averaged or raw, or it holds several nets",
        "not-levit": "the names of the tensors belong to no known network or to an unknown layout",
        "other-levit": "the LeViT's activation, stem, blocks, grid, attention offsets or head cannot be converted",
        "other-net": "the net is not a LeViT, and its activation, norms, pooling, grid or head cannot be converted",
        "ambiguous": "several variants fit the tensors, and neither a file beside them nor an option says which it is",
        "variant": "the variant, the number of classes or the input side is not the expected one",
        "missing-keys": "tensors of the network are missing; there may be surplus ones too",
        "surplus-keys": "the file has tensors that the network does not have, or two shards hold the same tensor",
        "shape": "a tensor does not have the shape that the network needs",
        "dtype": "a tensor does not hold plain floating-point numbers: it holds integers, or is sparse or quantized",
        "not-finite": "weights or logits are NaN or infinite",
        "metadata": "sizes or labels in the file's metadata or in config.json contradict the weights or cannot be read",
        "preprocessing": "the checkpoint's files or an option ask for a preparation of images that is not possible",
    }


class DownloadError(LevitMobileError):
    """The weights could not be fetched: the message says what to download by hand and where to put it."""

    KIND: ClassVar[str] = "download"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "not-fetched": "there is no connection, or the server or the disk failed",
        "wrong-hash": "the downloaded file, or the one in the hub's cache, does not have the expected hash",
        "gated": "the hub's repository needs a login and its terms to be accepted",
        "no-repository": "the hub has no such repository, or it is private",
        "no-weights": "the hub's repository holds no weights",
    }


class ImageError(LevitMobileError):
    """An image could not be read, or a folder held none."""

    KIND: ClassVar[str] = "image"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "not-found": "an image or a folder of images does not exist, or the image is not a file",
        "access": "a server or a storage refuses access to images, or cannot be reached",
        "protocol": "the protocol of a URL is unknown, or the package that it needs is not installed",
        "duplicate": "a key or an image is twice in an archive or in tar shards",
        "no-pictures": "there are no images, or none can be read",
        "too-few": "there are fewer images than a proof, a calibration or a search needs",
        "unreadable": "an image is empty, damaged or in an unknown format, or an archive of images is damaged",
        "too-large": "an image has too many pixels to be decoded safely",
        "pixel-format": "the pixels have no known range or cannot be converted to RGB",
        "noise": "the calibration images are noise",
        "other-pictures": "the images are not the ones that the activation ranges were measured on",
        "golden": "images were given together with golden vectors, which include their own images",
    }


class RecipeError(LevitMobileError):
    """The recipe, target or precision does not exist; the message lists those that do."""

    KIND: ClassVar[str] = "recipe"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "unknown-target": "there is no such target",
        "unknown-precision": "there is no such precision",
        "unknown-recipe": "there is no such recipe",
        "unknown-io": "there is no such type of inputs and outputs",
        "unknown-arithmetic": "there is no such float arithmetic",
        "unknown-observer": "there is no such observer",
        "unknown-cpu": "there is no such CPU, or no CPU was given",
        "not-available": "the target lacks the precision, or the recipe lacks the arithmetic or the type of inputs",
        "minimum-ios": "minimum_ios is unknown, too old for the precision, or given with a target that is not coreml",
        "int8-only": "an option that only int8 recipes have was given with a different recipe or target",
        "runtime": "the runtime does not run the target's artifacts",
        "preprocessing": "an option for the preparation of images has a value without meaning",
        "options": "options cannot be combined, or one needs a second one that is missing",
        "unreadable": "the plan cannot be opened",
        "schema": "the file is not a plan of a known schema",
        "other-plan": "the plan is for a different variant or target, or names a tensor that the network does not have",
        "other-search": "the unfinished search used a different checkpoint, calibration or count",
    }


class LabelsError(LevitMobileError):
    """The labels do not fit the checkpoint's classes, or the ground truth does not fit the images."""

    KIND: ClassVar[str] = "labels"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "unreadable": "the file cannot be opened",
        "format": "the file or a label cannot be read as text, or the file is not CSV with the columns file and label",
        "count": "the number of labels is not the number of classes",
        "not-one-line": "a label is empty or has several lines",
        "order": "the lines of the file are numbered, and the numbers may or may not be the classes' indices",
        "unknown-class": "the ground truth names a class that the bundle does not have",
        "no-label": "an image has no row in the file, no label in its shard, or no folder that names its class",
        "no-picture": "a row of the file names an image that does not exist",
        "two-labels": "an image has two labels",
    }


class ConversionError(LevitMobileError):
    """A vendor toolchain failed, or an op stayed outside the delegate."""

    KIND: ClassVar[str] = "conversion"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "toolchain": "the vendor's toolchain raised an error",
        "fallback": "ops of the artifact are outside its delegate",
        "partitions": "the delegate splits the artifact into several partitions",
        "rank": "a tensor of the artifact has more than four dimensions",
        "in-float": "layers that should compute in integers compute in float, or the plan leaves all of them in float",
        "weights": "weights of the artifact are not stored in the recipe's type",
        "ends": "the artifact cannot have int8 inputs or outputs, because its first or last layer computes in float",
        "lost-edges": "tensors whose ranges were measured are missing from the artifact",
    }


class ArtifactError(LevitMobileError):
    """An artifact could not be read or run."""

    KIND: ClassVar[str] = "artifact"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "missing": "the path does not exist or is not a file",
        "unreadable": "the operating system refused to read the file",
        "unknown-format": "the file is not in any of the formats that can be read",
        "damaged": "the file is cut short, contradicts itself or refers to something that it does not hold",
        "unsupported-op": "the runtime or the MIL reference does not support an op of the artifact, or a form of it",
        "unsupported-tensor": "a tensor has a type or a variable shape that the MIL reference does not support",
        "unsupported-model": "the model is of a kind, opset or delegate that is not supported",
        "not-one-image": "the artifact's input is not one image",
        "mismatch": "the artifact's inputs or outputs are not the expected ones, for example not those of its contract",
        "refused": "the runtime could not load the artifact",
        "failed": "the runtime loaded the artifact but could not run it",
        "not-finite": "the artifact gave logits that are NaN or infinite",
        "crashed": "the process that ran the artifact died or could not be started",
        "timeout": "the process that ran the artifact did not answer in time",
        "out-of-memory": "the artifact needed more memory than was available",
        "no-profile": "the artifact cannot be timed block by block",
    }

    # The faults of a sound artifact that this machine, or this package, cannot run.
    NOT_RUNNABLE: ClassVar[frozenset[str]] = frozenset(
        {"unsupported-op", "unsupported-tensor", "unsupported-model", "not-one-image"}
    )

    @staticmethod
    def fault_of(error: Exception, otherwise: str) -> str:
        """The fault that a runtime's exception means; `otherwise` where its type is not in `FAILURES`."""
        return next((fault for kind, fault in FAILURES.items() if isinstance(error, kind)), otherwise)


class RunnerUnavailable(LevitMobileError):
    """The runtime does not exist on this machine; reports say NOT RUN with this reason."""

    KIND: ClassVar[str] = "runner"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "platform": "the runtime does not exist for this operating system or processor",
        "not-installed": "a program, a package or a Python version that the runtime needs is not installed",
        "not-set-up": "the runtime has to be set up first; the message names the command",
        "damaged": "files of the runtime have changed since its set-up; the message names the command that repairs it",
        "set-up-failed": "setting up the runtime failed",
        "unsafe": "other users may write to the folder that holds the runtime; nothing in it was run",
    }


class BundleError(LevitMobileError):
    """A bundle is damaged or of an unknown schema version, or a result cannot be written where it should go."""

    KIND: ClassVar[str] = "bundle"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "missing": "there is no bundle at the path, or the folder holds no results of levit-mobile",
        "unreadable": "a file does not exist, or the operating system refused to read it",
        "schema": "a file is not JSON of a known schema",
        "recipe": "the bundle names a recipe that this version does not have",
        "inconsistent": "the bundle's contract, proof and files contradict each other",
        "digest": "a file does not have the digest that the contract records",
        "link": "a symbolic link points outside the bundle",
        "path": "the contract names a file that is not inside the bundle",
        "preprocessing": "the bundle's preparation of images is not the one in its checkpoint's files",
        "reference": "the reference for the comparison is missing or does not fit the bundle",
        "exists": "the path of the result already exists",
        "unwritable": "the result could not be written",
        "app": "the path to deploy to is not an Android app or an assets folder, or it names several apps",
        "runtime": "the app has no runtime, or no version of one, that loads the bundle",
        "name": "two bundles to deploy have the same name, or an Android app cannot hold a file of the name",
    }


class TimingError(LevitMobileError):
    """A timing record cannot be read, or nothing in it can be compared with the new measurement."""

    KIND: ClassVar[str] = "timing"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "option": "the number of rounds, starts or threads is out of range, or an option does not fit the artifacts",
        "unreadable": "the timing record cannot be read",
        "schema": "the timing record is not JSON of a known schema",
        "not-timed": "the baseline holds no times of this artifact",
        "other-set-up": "the artifact was timed with threads or compute units that differ from the baseline's",
        "other-machine": "the baseline is from a different machine, and no artifact timed in both runs relates the two",
        "one-process": "one of the two runs timed the artifact in one process, which gives no interval to compare",
    }


class DeviceError(LevitMobileError):
    """A phone could not be reached through adb or devicectl, or did not do what was asked.

    Attributes:
        log: The last lines of the phone's own log, where they may explain the error.
    """

    KIND: ClassVar[str] = "device"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "no-adb": "the program adb was not found",
        "adb-server": "adb's server does not start or does not answer, or a different version of it is running",
        "none": "no device is connected",
        "several": "several devices are ready, and none was chosen",
        "unknown-serial": "no connected device has the serial number",
        "unauthorised": "the device has not allowed this computer to use it",
        "no-permissions": "this user may not open the device's USB port",
        "offline": "the device is connected but does not answer",
        "state": "the device is not ready: it has not started Android, or an iPhone is locked or its iOS is too old",
        "gone": "the connection to the device ended in the middle of the work",
        "full": "the device's storage is full",
        "read-only": "the folder on the device cannot be written",
        "not-executable": "the device refuses to run the program, or cannot run 64-bit programs",
        "busy": "a different run is using the device",
        "hung": "the program on the device printed nothing for too long",
        "crashed": "the program on the device died",
        "no-app": "the demo app is not installed on the device, or is too old",
        "install": "the device refused to install the app",
        "damaged": "a file on the device does not have the digest of the file that was sent",
        "failed": "adb, devicectl or a command on the device failed for a different reason",
    }

    def __init__(self, sentence: str = "", *, fault: str | None = None, log: tuple[str, ...] = ()) -> None:
        super().__init__(sentence, fault=fault)
        self.log = log


class ClusterError(LevitMobileError):
    """The work could not be spread over other machines, or they were lost."""

    KIND: ClassVar[str] = "cluster"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "address": "the address is not one of a Dask scheduler, nor local: and a number of processes",
        "not-installed": "the package dask.distributed is not installed",
        "no-scheduler": "no Dask scheduler answers at the address",
        "no-workers": "the scheduler has no workers",
        "versions": "the scheduler or a worker has packages of versions that differ from this machine's",
        "not-sent": "a file could not be sent to a worker",
        "workers-lost": "all workers were lost, or the same work ended several of them",
        "scheduler-lost": "the connection to the scheduler ended in the middle of the work",
    }


class ToolchainMissing(LevitMobileError):
    """A package that this target needs is not installed."""

    KIND: ClassVar[str] = "toolchain"
    FAULTS: ClassVar[Mapping[str, str]] = {}

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; the {extra} target needs it: pip install 'levit-mobile[{extra}]'"
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[ToolchainMissing], tuple[str, str], dict[str, object]]:
        """An error from a different process is rebuilt from its two arguments and keeps its current sentence."""
        return type(self), (self.package, self.extra), {**vars(self), "args": self.args}
