"""What others have published: shown beside our figures, with where it stands, and never counted among them.

Test sets are those of the papers: a number stands beside ours only where the set is the same.
"""

from msgspec import Struct

IMAGEBIND = "Girdhar et al., CVPR 2023, arXiv 2305.05665"
LANGUAGEBIND = "Zhu et al., ICLR 2024, arXiv 2310.01852"


class Published(Struct, frozen=True):
    """One number of a paper, a share of 1: ``figure`` is the name that ours has, ``where`` the table it is in."""

    model: str
    figure: str
    value: float
    where: str


def _imagebind(figure: str, value: float, table: str = "table 2") -> Published:
    return Published("ImageBind", figure, value, f"{IMAGEBIND}, {table}")


def _languagebind(figure: str, value: float, model: str = "LanguageBind") -> Published:
    return Published(model, figure, value, LANGUAGEBIND)


FULL = "LanguageBind, fully tuned"

PUBLISHED = {
    "esc50": [_imagebind("top1", 0.669), _languagebind("top1", 0.918), _languagebind("top1", 0.940, FULL)],
    "audioset": [_imagebind("map", 0.176), _languagebind("map", 0.277), _languagebind("map", 0.300, FULL)],
    "clotho": [
        _imagebind("r1", 0.060, "table 3"),
        _imagebind("r10", 0.284, "table 3"),
        _languagebind("r1", 0.121),
        _languagebind("r10", 0.440),
        _languagebind("r1", 0.167, FULL),
        _languagebind("r10", 0.520, FULL),
    ],
    "audiocaps": [
        _imagebind("r1", 0.093, "table 3"),
        _imagebind("r10", 0.423, "table 3"),
        _languagebind("r1", 0.122),
        _languagebind("r10", 0.532),
        _languagebind("r1", 0.197, FULL),
        _languagebind("r10", 0.676, FULL),
    ],
    "sun_rgbd": [_imagebind("top1", 0.351)],
    "nyu_depth": [_imagebind("top1", 0.540), _languagebind("top1", 0.651)],
    "llvip": [_imagebind("top1", 0.634), _languagebind("top1", 0.872)],
    "ego4d": [_imagebind("top1", 0.250)],
}
"""By set: emergent zero-shot classes, and text → audio retrieval; of LanguageBind the large model tuned by LoRA."""
