"""What the files beside the weights say about a net: how its pictures are prepared, what its head means.

Three sources, the first that is there: `preprocessor_config.json` (transformers), `pretrained_cfg` in `config.json`
(timm), `args` in a training checkpoint (timm's, the official). Without any, the family's evaluation is taken, and said.
Each is read as the framework that wrote it does, so a value that is left out has that framework's default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from levit_mobile.errors import CheckpointError
from levit_mobile.images.overrides import Overrides, Size
from levit_mobile.images.spec import ImageSpec
from levit_mobile.model import image_processors, timm_config
from levit_mobile.model.families.family import Facts, Family
from levit_mobile.model.stated import Stated, Unusable, size_text
from levit_mobile.model.weight_files import read_json

Head = Literal["softmax", "sigmoid", "none"]

PROCESSOR_FILE, CONFIG_FILE = "preprocessor_config.json", "config.json"
TIMM_PROCESSOR = "TimmWrapperImageProcessor"  # its preprocessor_config.json holds timm's pretrained_cfg
HEADS: dict[str | None, Head] = {  # transformers' problem_type
    None: "softmax",
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "none",
}
MOST_PX = 100_000


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """What is stated beside the weights.

    Attributes:
        stated: The preparation of pictures; None if nothing says.
        head: What makes probabilities of the logits.
        config: The object in `config.json`, empty without one.
        sizes: Every size of the input that is stated, the surest first.
    """

    stated: Stated | None = None
    head: Head = "softmax"
    config: Mapping[str, Any] = field(default_factory=dict)
    sizes: tuple[Size, ...] = ()

    def spec(self, size: Size, overrides: Overrides | None = None, *, unstated: Stated) -> ImageSpec:
        """How pictures are prepared for a net that takes `size` (height, width), with a user's own words on top.

        Where nothing is stated it is as in `unstated`, of the net's family.

        Raises CheckpointError for what is stated, or asked for, and cannot be done.
        """
        asked = overrides or Overrides()
        stated = self.stated or unstated
        source = "; ".join([stated.source, *([" ".join(asked.names)] if asked.names else [])])
        try:
            given = _given(asked, size, stated)
            return ImageSpec(**{**stated.parts(size, given), **given}, source=source)
        except ValueError as error:
            raise CheckpointError(f"{stated.source} {error}: correct it", fault="preprocessing") from error


def read(folder: Path | None, args: Mapping[str, Any] | None = None, *, family: Family[Any, Any]) -> CheckpointConfig:
    """Read what stands in a folder beside the weights, and the arguments that a training script kept with them.

    Args:
        folder: The folder whose files describe these weights; None for a file of weights alone.
        args: The training script's arguments.
        family: The family of the weights.

    Raises CheckpointError for a file that cannot be read or a net that the family cannot convert.
    """
    config = _json(folder, CONFIG_FILE)
    processor = _json(folder, PROCESSOR_FILE)
    timm = _mapping(config.get("pretrained_cfg"))
    if str(processor.get("image_processor_type", "")).startswith(TIMM_PROCESSOR) or "pretrained_cfg" in processor:
        timm, processor = timm or _mapping(processor.get("pretrained_cfg")), {}
    arguments = args or {}
    family.require(Facts(config, arguments))
    stated: Stated | None = None
    if processor:
        stated = image_processors.stated(processor, PROCESSOR_FILE, _default_processor(config, family))
    elif timm:
        stated = timm_config.stated(timm, f"pretrained_cfg in {CONFIG_FILE}")
    elif arguments:
        stated = timm_config.of_arguments(arguments, family.timm_cfg(str(arguments.get("model"))))
    return CheckpointConfig(stated, _head(config), config, tuple(_sizes(config, timm, arguments)))


def _default_processor(config: Mapping[str, Any], family: Family[Any, Any]) -> str:
    """transformers takes that of the model's type where the file names none."""
    return str(config.get("model_type") or family.processor)


def _sizes(config: Mapping[str, Any], timm: Mapping[str, Any], arguments: Mapping[str, Any]) -> Iterator[Size]:
    places = (
        _mapping(config.get("model_args")).get("img_size"),
        config.get("image_size"),
        _mapping(arguments.get("model_kwargs")).get("img_size"),
        arguments.get("img_size"),
        arguments.get("input_size"),
        timm.get("input_size"),
    )
    for value in places:
        edges = [value] * 2 if isinstance(value, int) else list(value)[-2:] if isinstance(value, list | tuple) else []
        if len(edges) == 2 and all(isinstance(edge, int) and 0 < edge < MOST_PX for edge in edges):
            yield edges[0], edges[1]


def folder_of(path: Path, family: Family[Any, Any]) -> Path | None:
    """The folder whose files describe the weights at `path`, as `download.resolve` gave it.

    Of a single file it is the folder around it only if that says that it holds a net of the family: a checkpoint in a
    folder of downloads has nothing to do with the other files there.
    """
    if path.is_dir():
        return path
    try:
        config = _json(path.parent, CONFIG_FILE)
    except CheckpointError:
        return None
    named = config.get("model_type"), config.get("architecture"), *_listed(config.get("architectures"))
    return path.parent if any(str(name).casefold().startswith(family.described_by) for name in named) else None


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _json(folder: Path | None, name: str) -> dict[str, Any]:
    return read_json(folder / name) if folder is not None and (folder / name).is_file() else {}


def _mapping(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _head(config: Mapping[str, Any]) -> Head:
    kind = config.get("problem_type")
    if not (kind is None or isinstance(kind, str)) or kind not in HEADS:
        raise CheckpointError(
            f"{CONFIG_FILE} has problem_type {kind!r}, expected {', '.join(str(one) for one in HEADS if one)}",
            fault="metadata",
        )
    return HEADS[kind]


def _given(asked: Overrides, size: Size, stated: Stated) -> dict[str, Any]:
    """The fields of a spec that the user's own words set."""
    given: dict[str, Any] = {}
    if asked.mean is not None or asked.std is not None:
        given |= _colours(asked, stated)
    if asked.interpolation is not None:
        given["interpolation"] = asked.interpolation
    if asked.crop is not None:
        given |= _cropped(asked.crop, size, stated, resized=asked.resize is not None)
    if asked.resize is not None:
        given |= _resized(asked.resize, size)
    return given


def _colours(asked: Overrides, stated: Stated) -> dict[str, Any]:
    """Both for pixels in [0,1]: the one that is not given is what is stated, in that unit."""
    full = 255 * stated.rescale()
    mean = asked.mean or tuple(value / full for value in stated.mean())
    std = asked.std or tuple(value / full for value in stated.std())
    return {"mean": mean, "std": std, "rescale": 1 / 255}


def _cropped(crop: Size | float, size: Size, stated: Stated, *, resized: bool) -> dict[str, Any]:
    """A size has to be the net's; a share says how much larger the resized picture is, as timm's crop_pct does."""
    if isinstance(crop, float):
        height, width = (int(edge / crop) for edge in size)
        scaled: dict[str, Any] = {} if resized else {"mode": _mode(stated, size), "height": height, "width": width}
        return {**scaled, "crop_height": size[0], "crop_width": size[1]}
    if crop != size:
        raise CheckpointError(
            f"crop is {size_text(crop)}, expected {size_text(size)}, which is what the net takes", fault="preprocessing"
        )
    return {"crop_height": size[0], "crop_width": size[1]}


def _mode(stated: Stated, size: Size) -> str:
    try:
        mode: str = stated.resize(size)["mode"]
    except Unusable:
        return "short side"
    return mode if mode != "none" else "short side"


def _resized(resize: int | Size | str, size: Size) -> dict[str, Any]:
    if isinstance(resize, str):
        return {"mode": "none", "height": size[0], "width": size[1]}
    if isinstance(resize, int):
        return {"mode": "short side", "height": resize, "width": resize}
    return {"mode": "squash", "height": resize[0], "width": resize[1]}
