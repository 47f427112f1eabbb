"""What a bundle is held against: its own checkpoint, another one, another bundle, or its golden vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from levit_mobile.bundle.reader import OpenBundle, open_bundle
from levit_mobile.contract import CONTRACT_FILE
from levit_mobile.errors import BundleError, CheckpointError, RecipeError
from levit_mobile.images.image_set import ImageSet, picture_digest
from levit_mobile.images.overrides import Size
from levit_mobile.images.spec import ImageSpec
from levit_mobile.interfaces.runner import Images, Logits, Runner
from levit_mobile.model import local_copies
from levit_mobile.model.checkpoint import Checkpoint, load_checkpoint
from levit_mobile.model.download import BUNDLED, HUB_ID, official_file
from levit_mobile.recipe import Tolerance
from levit_mobile.runners import eager
from levit_mobile.runtimes import registry
from levit_mobile.system.files import Sha256, digest_bytes

GOLDEN = "golden"
AMBIGUOUS = "checkpoint.ambiguous"
OVERRIDDEN = "--"  # in the source of a contract's preprocessing: options that the user gave
Load = Callable[[], Runner]  # can be sent to another process


@dataclass(frozen=True, slots=True)
class ReferenceModel:
    """Something that gives logits to hold an artifact against.

    `exact` computes the same in float64; a bundle and golden vectors have no such thing. `checkpoint` is None for
    them too. `own` says that it is what the bundle was made from. `pictures` are the only ones it can judge, if so.
    `tolerance` is a bundle's own: it differs from the trained model by that much itself. `found` is a sentence about a
    checkpoint that nobody named and that was found by its digest. `spec` is how the checkpoint takes pictures, and
    `files` are the paths that `load` opens where there is no checkpoint.
    """

    name: str
    load: Load
    exact: Load | None = None
    checkpoint: Checkpoint | None = None
    own: bool = False
    pictures: ImageSet | None = None
    tolerance: Tolerance | None = None
    found: str = ""
    spec: ImageSpec | None = None
    files: tuple[Path, ...] = ()

    def elsewhere(self) -> tuple[Load, Load | None]:
        """`load` and `exact` for other machines: a checkpoint is in them, and not read from its file."""
        if self.checkpoint is None or self.spec is None:
            return self.load, self.exact
        load = partial(eager.load, self.checkpoint.model, self.spec)
        return load, partial(load, double=True)

    @property
    def held(self) -> dict[Sha256, nn.Module]:
        """The checkpoint's net in `elsewhere`, by a digest of what it was made from; nothing without a checkpoint."""
        if (found := self.checkpoint) is None:
            return {}
        words = found.sha256, found.variant, found.averaged, found.input_size
        return {digest_bytes(repr(words).encode()): found.model}


def find(source: str | Path | None, stored: OpenBundle, weights: str | None = None) -> ReferenceModel:
    """The reference that `source` names: a checkpoint (see `download.resolve`), a bundle's folder, or "golden".

    None is the checkpoint that the bundle was made from, by its digest (see `local_copies.find`) or by its public name;
    `weights` chooses averaged or raw ones of a checkpoint. Raises
    BundleError when that is not here, or `source` does not fit the bundle; CheckpointError, DownloadError for weights
    that cannot be had; RecipeError for `weights` of something that is not a checkpoint.
    """
    vectors, bundle = source == GOLDEN, source is not None and (Path(source) / CONTRACT_FILE).is_file()
    if weights is not None and (vectors or (bundle and source != stored.path)):
        raise RecipeError(
            f"weights has no effect with the reference {source}, which is not a checkpoint: omit it", fault="options"
        )
    if vectors:
        return _golden(stored)
    if source is not None and bundle:
        return _other_bundle(open_bundle(source), stored)
    if source is None:
        return _local_copy(stored, weights) or _checkpoint(_own_source(stored), stored, weights, asked=False)
    named = _checkpoint(source, stored, weights, asked=True)
    if named.own:
        local_copies.remember(source, stored.contract.model.checkpoint_sha256)
    return named


def _local_copy(stored: OpenBundle, weights: str | None) -> ReferenceModel | None:
    """The bundle's checkpoint by its digest; None where no file on this machine has it.

    The files beside a copy may state another preparation, a wrong one, or none: the first copy that fits is taken.
    """
    model = stored.contract.model
    refusal: BundleError | CheckpointError | None = None
    if model.source == BUNDLED.name:
        return None
    for copy in local_copies.find(model.checkpoint_sha256, model.source, stored.path):
        try:
            found = _checkpoint(copy.path, stored, weights, asked=False)
        except (BundleError, CheckpointError) as error:
            refusal = refusal or error
            continue
        sentence = f"the reference is {copy.path}, {copy.place}: it has the sha256 that the contract states"
        return replace(found, name=Path(model.source).name, found=sentence)
    if refusal is not None:
        raise refusal
    return None


def _own_source(stored: OpenBundle) -> str | Path:
    """Where the bundle's checkpoint may be had: the contract keeps a file's name only, since a bundle travels."""
    model = stored.contract.model
    if model.source == BUNDLED.name:
        return BUNDLED
    if HUB_ID.fullmatch(model.source) or official_file(model.source) or Path(model.source).exists():
        return model.source
    raise BundleError(
        f"{stored.path} was made from {model.source}, and no file with its sha256 was found here: name it with "
        f"--reference PATH, or compare with the bundle's {len(stored.contract.golden)} golden vectors by --reference "
        f"{GOLDEN}",
        fault="reference",
    )


def _checkpoint(source: str | Path, stored: OpenBundle, weights: str | None, *, asked: bool) -> ReferenceModel:
    wanted = stored.contract.model
    checkpoint, variant = _imported(source, weights, wanted.variant)
    side = _size(stored) if checkpoint.size_assumed else None
    weights = weights or (wanted.weights if checkpoint.choice else None)
    if side or (weights and (weights == "ema") != checkpoint.averaged):
        checkpoint = load_checkpoint(source, variant=variant, weights=weights, side=side)
    own = checkpoint.sha256 == wanted.checkpoint_sha256
    if not own and not asked:
        raise BundleError(
            f"{wanted.source} is not the checkpoint that {stored.path} was made from: its sha256 begins with "
            f"{checkpoint.sha256[:12]}, expected {wanted.checkpoint_sha256[:12]}; name the right one with "
            "--reference PATH",
            fault="reference",
        )
    _require_fit(str(source), (checkpoint.classes, checkpoint.input_size), stored)
    if own:
        _require_same_preparation(checkpoint, stored)
    spec = stored.spec if own else checkpoint.spec
    load, exact = (partial(_eager, source, variant, weights, side, spec, double) for double in (False, True))
    return ReferenceModel(Path(source).name if own else str(source), load, exact, checkpoint, own, spec=spec)


def _imported(source: str | Path, weights: str | None, variant: str) -> tuple[Checkpoint, str | None]:
    """The checkpoint, and the variant that had to be named for it: the bundle's own where several fit the weights."""
    try:
        return load_checkpoint(source, weights=weights), None
    except CheckpointError as error:
        if error.code != AMBIGUOUS:
            raise
    return load_checkpoint(source, variant=variant, weights=weights), variant


def _require_same_preparation(checkpoint: Checkpoint, stored: OpenBundle) -> None:
    """Both sides of a proof would be wrong together if the bundle had its preparation from anywhere else."""
    if OVERRIDDEN in stored.contract.preprocessing.source:
        return
    if (stated := checkpoint.spec) != stored.spec:
        raise BundleError(
            f"{stored.path} does not prepare images as its checkpoint does: it has {stored.spec}; "
            f"expected {stated}, from {stated.source}; convert again",
            fault="preprocessing",
        )


def _eager(
    source: str | Path, variant: str | None, weights: str | None, side: Size | None, spec: ImageSpec, double: bool
) -> Runner:
    checkpoint = load_checkpoint(source, variant=variant, weights=weights, side=side)
    return eager.load(checkpoint.model, spec, double=double)


def _other_bundle(other: OpenBundle, stored: OpenBundle) -> ReferenceModel:
    found = other.contract
    _require_fit(str(other.path), (found.model.classes, _size(other)), stored)
    if other.labels != stored.labels:
        raise BundleError(
            f"the labels of {other.path} are not those of {stored.path} in the same order", fault="reference"
        )
    if other.spec != stored.spec:
        raise BundleError(f"the preprocessing of {other.path} is not that of {stored.path}", fault="reference")
    name = registry.defaults(other.target.name)[-1]  # of a Core ML package the MIL reference: Core ML is the candidate
    title = f"{other.path.name} by {registry.described(name).title}"
    load = partial(registry.load, name, other.artifact, found)
    return ReferenceModel(title, load, tolerance=found.tolerance, files=(other.artifact,))


def _golden(stored: OpenBundle) -> ReferenceModel:
    vectors = stored.golden()
    if not vectors:
        raise BundleError(f"{stored.path} holds no golden vectors, expected at least one", fault="reference")
    pictures = ImageSet.from_arrays({name: pixels for name, (pixels, _) in vectors.items()})
    logits = {picture_digest(pixels): logits for pixels, logits in vectors.values()}
    return ReferenceModel(f"{len(vectors)} golden vectors", partial(partial, _remembered, logits), pictures=pictures)


def _remembered(logits: Mapping[str, Logits], images: Images) -> Logits:
    pixels = np.rint(images.transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    return np.stack([logits[picture_digest(picture)] for picture in pixels])


def _size(stored: OpenBundle) -> tuple[int, int]:
    return stored.spec.crop_height, stored.spec.crop_width


def _require_fit(name: str, found: tuple[int, tuple[int, int]], stored: OpenBundle) -> None:
    wanted = stored.contract.model.classes, _size(stored)
    if found != wanted:
        told = [f"{classes} classes at {width} x {height} px" for classes, (height, width) in (found, wanted)]
        raise CheckpointError(f"{name} has {told[0]}, expected {told[1]} as in {stored.path}", fault="variant")
