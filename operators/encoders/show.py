"""What a tower sees, as a picture for people."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from open_clip.tokenizer import SimpleTokenizer

from operators.encoders.audio import FRAMES_PER_S, MELS
from operators.encoders.tower import VOCABULARY
from pipeline.messages import Array

WIDE, NARROW = (7.0, 3.2), (5.0, 3.2)
"""Inches of 100 dots."""

LOWEST_HZ, HIGHEST_HZ = 20, 8_000
HZ = (100, 300, 1_000, 2_000, 4_000, 8_000)
"""Edges of the spectrogram, and what is written beside it."""

WORDS = 7
"""Tokens in a line."""


def draw(encoder: Any, prepared: Array, path: Path) -> None:
    """Write a PNG of what ``encoder`` prepared of one clip, or of one row of the tokens of a text, with its units."""
    figure = Figure(NARROW if encoder.modality in ("depth", "thermal") else WIDE, dpi=100, layout="constrained")
    match encoder.modality:
        case "vision":
            _frames(figure, prepared)
        case "text":
            _tokens(figure, prepared)
        case "audio":
            _spectrogram(figure, prepared)
        case "depth":
            _disparity(figure, encoder, prepared)
        case "thermal":
            _warmth(figure, encoder, prepared)
        case "imu":
            _curves(figure, encoder, prepared)
    with warnings.catch_warnings(action="ignore"):  # that a letter is not in the font, and is drawn as a box
        figure.savefig(path, format="png")


def _frames(figure: Figure, prepared: Array) -> None:
    """Draw (3, 2, Y, X) as two frames side by side, (3, Y, X) as one."""
    frames = prepared[:, np.newaxis] if prepared.ndim == 3 else prepared
    titles = ("first frame", "last frame") if frames.shape[1] > 1 else ("middle frame",)
    panels = np.atleast_1d(figure.subplots(1, len(titles)))
    for axes, frame, title in zip(panels, frames.swapaxes(0, 1), titles, strict=True):
        axes.imshow(frame.transpose(1, 2, 0), interpolation="nearest")
        axes.set(title=title, xlabel="column", ylabel="row")


def _spectrogram(figure: Figure, prepared: Array) -> None:
    """Draw (1, 128, T) with the time below and frequencies beside."""
    axes = figure.subplots()
    seconds = prepared.shape[2] / FRAMES_PER_S
    image = axes.imshow(
        prepared[0], origin="lower", aspect="auto", extent=(0, seconds, 0, MELS), interpolation="nearest"
    )
    axes.set_yticks([_band(hz) for hz in HZ], [f"{hz:,}".replace(",", " ") for hz in HZ])
    axes.set(xlabel="time / s", ylabel="frequency / Hz")
    figure.colorbar(image, label="ln of power in a mel band")


def _disparity(figure: Figure, encoder: Any, prepared: Array) -> None:
    axes = figure.subplots()
    image = axes.imshow(encoder.max_disparity * prepared[0].astype(np.float32), interpolation="nearest")
    axes.set(xlabel="column", ylabel="row")
    figure.colorbar(image, label="disparity / pixels of a frame 640 wide")


def _warmth(figure: Figure, encoder: Any, prepared: Array) -> None:
    """Draw [0, 1], with the temperatures that it stands for if these do not change from frame to frame."""
    axes = figure.subplots()
    image = axes.imshow(prepared[0].astype(np.float32), cmap="inferno", interpolation="nearest")
    axes.set(xlabel="column", ylabel="row")
    bar = figure.colorbar(image, label="what the tower sees, 0 to 1")
    if encoder.percentiles is None:
        low, span = encoder.low_c, encoder.high_c - encoder.low_c
        bar.formatter = FuncFormatter(lambda share, _: f"{share:.2f} = {low + span * share:.0f} °C")
        bar.set_label("what the tower sees; °C unless grey")


def _curves(figure: Figure, encoder: Any, prepared: Array) -> None:
    """Draw (6, steps) as acceleration above rotation."""
    first, second = figure.subplots(2, 1, sharex=True)
    if encoder.order == "rotation first":
        prepared = np.roll(prepared, 3, axis=0)
    _three(first, prepared[:3], "acceleration\nm/s²")
    _three(second, prepared[3:], "rotation\nrad/s")
    first.legend("xyz", loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    second.set(xlabel=f"step, {prepared.shape[1]} to a clip")


def _three(axes: Axes, rows: Array, label: str) -> None:
    for row in rows:
        axes.plot(row, linewidth=0.8)
    axes.set_ylabel(label)
    axes.margins(x=0)
    axes.grid(alpha=0.3)


def _tokens(figure: Figure, prepared: Array) -> None:
    """Write each token's word over its number, up to the end of the text; what follows is 0."""
    axes = figure.subplots()
    axes.set_axis_off()
    last = int(prepared.argmax()) + 1
    lines = -(-last // WORDS)
    figure.set_figheight(0.3 + 0.5 * lines)
    axes.set(xlim=(0, WORDS), ylim=(lines, 0))
    for place, (word, token) in enumerate(zip(_words(prepared[:last]), prepared[:last].tolist(), strict=True)):
        x, y = place % WORDS + 0.5, place // WORDS
        axes.text(x, y + 0.35, word, ha="center", va="center", fontsize=9.5, parse_math=False)
        axes.text(x, y + 0.7, str(token), ha="center", va="center", fontsize=8, color="gray")


def _words(tokens: Array) -> list[str]:
    """Return what CLIP's tokens stand for; a dot is a part of a letter, and all that is of another vocabulary."""
    if tokens.max() != VOCABULARY - 1:
        return ["·" for _ in tokens]
    tokenizer = SimpleTokenizer()
    marks = {VOCABULARY - 2: "[start]", VOCABULARY - 1: "[end]"}
    words = (marks.get(token) or tokenizer.decode([token]).strip() for token in tokens.tolist())
    return ["·" if "\ufffd" in word else word for word in words]


def _band(hz: float) -> float:
    """Return where a frequency lies among the mel bands, by the scale that Kaldi uses."""
    low, high, mel = (1127 * np.log(1 + f / 700) for f in (LOWEST_HZ, HIGHEST_HZ, hz))
    return float((mel - low) / (high - low) * MELS)
