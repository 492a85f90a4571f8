"""OpenCLIP's models by name: what is known of one without its weights, and the model with them.

A name is ``<architecture>/<tag or file>``. A tag names weights that ``open_clip`` knows and fetches, a file holds
weights that the user has (safetensors or PyTorch's; pickled code is refused). Without either, weights are drawn from
a seed and mean nothing.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import open_clip
import torch
from msgspec import Struct
from open_clip.pretrained import get_pretrained_cfg
from open_clip.transform import PreprocessCfg, merge_preprocess_dict
from torch import Tensor, nn

from operators.encoders.checkpoint import Weights, opened

SHOWN = 8
"""Keys that an error names; of the others it gives the number."""


class Known(Struct, frozen=True, kw_only=True):
    """What the name of a model says without its weights.

    A file does not say how its weights were trained. ``look``, the preprocessing of pictures, is then what all tags of
    the architecture agree on, or else OpenAI's; the activation is the architecture's: OpenAI's own weights, and all
    others whose tags have QuickGELU, are those of ``ViT-B-32-quickgelu`` and its like.
    """

    name: str
    architecture: str
    tag: str
    file: str
    dim: int
    look: PreprocessCfg
    quick_gelu: bool

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a picture."""
        size = self.look.size
        return (size, size) if isinstance(size, int) else (size[0], size[1])


def known(name: str) -> Known:
    """Read the name of a model. Raise ValueError for one that ``open_clip`` does not know.

    >>> known("ViT-B-16-SigLIP").look.resize_mode
    'squash'
    """
    architecture, _, weights = name.partition("/")
    if architecture not in open_clip.list_models():
        close = get_close_matches(architecture, open_clip.list_models(), 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"open_clip has no architecture {architecture!r}{hint}")
    tags = {tag: get_pretrained_cfg(architecture, tag) for tag in open_clip.list_pretrained_tags_by_model(architecture)}
    if weights and weights not in tags and not Path(weights).is_file():
        raise ValueError(f"{name}: {weights!r} is no file, and no tag of {architecture}: {', '.join(tags) or 'none'}")
    config = open_clip.get_model_config(architecture)
    size = config["vision_cfg"].get("image_size", 224)
    looks = [_look(tag, size) for tag in ([tags[weights]] if weights in tags else tags.values())]
    return Known(
        name=name,
        architecture=architecture,
        tag=weights if weights in tags else "",
        file="" if weights in tags else weights,
        dim=config["embed_dim"],
        look=looks[0] if looks and looks.count(looks[0]) == len(looks) else _look({}, size),
        quick_gelu=tags.get(weights, {}).get("quick_gelu", False),
    )


def load(name: str, seed: int = 0) -> nn.Module:
    """Return the whole model with its weights.

    Raise OSError for a file that cannot be read, a tag that cannot be fetched or an architecture that needs libraries
    which are not here, and ValueError for weights that do not fit.
    """
    model = known(name)
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(seed)
        built = _built(model)
    if model.file:
        with opened(Path(model.file)) as file:
            _fill(built, file, model.file)
    return built


def _built(model: Known) -> nn.Module:
    """Return the model with the weights of its tag, or else random ones."""
    try:
        built: nn.Module = open_clip.create_model(
            model.architecture, model.tag, force_quick_gelu=model.quick_gelu, pretrained_text=False
        )
    except Exception as error:  # rim: towers come from several libraries, weights by any transport; each has its own
        failed = "its weights could not be fetched" if model.tag else "it cannot be built here"
        raise OSError(f"{model.name}: {failed}: {error}") from error
    return built


def _fill(built: nn.Module, file: Weights, path: str) -> None:
    """Put the weights of a file into a model. Raise ValueError naming the keys that do not fit."""
    due: Mapping[str, Tensor] = built.state_dict()
    found = {key.removeprefix("module."): key for key in file}
    mistakes = [f"missing: {key}" for key in due if key not in found]
    mistakes += [f"unexpected: {key}" for key in found if key not in due]
    mistakes += [
        f"of another shape: {key} {file.shapes[found[key]]}, {tuple(tensor.shape)} was due"
        for key, tensor in due.items()
        if key in found and file.shapes[found[key]] != tuple(tensor.shape)
    ]
    if mistakes:
        more = f" and {len(mistakes) - SHOWN} more" if len(mistakes) > SHOWN else ""
        raise ValueError(f"{path}: does not fit this model: {'; '.join(mistakes[:SHOWN])}{more}")
    built.load_state_dict({key: file[name] for key, name in found.items()})


def _look(tag: Mapping[str, Any], size: int | tuple[int, int]) -> PreprocessCfg:
    return PreprocessCfg(**merge_preprocess_dict({}, {**tag, "size": size}))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep open_clip from logging what it also raises, and that weights are random where we asked for it."""

    def is_ours(record: logging.LogRecord) -> bool:
        return "open_clip" not in Path(record.pathname).parts

    root = logging.getLogger()
    root.addFilter(is_ours)
    try:
        yield
    finally:
        root.removeFilter(is_ours)
