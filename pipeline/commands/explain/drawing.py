"""An event as one picture: seen, heard, felt, and how it was judged."""

import io
import wave
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from pipeline.commands.explain.story import Story
from pipeline.messages import NS, Array

PANEL = (3.6, 2.7)
"""Inches of 100 dots."""

COLUMNS = 4
AXES = ("x", "y", "z")
MOST_NAMES = 12
"""Bars that can be read."""

FFT = 512
"""Samples of one column of a spectrogram."""

Draw = Callable[[Axes], None]


def draw(story: Story, path: Path) -> None:
    """Write a PNG. Raise OSError if it cannot be written."""
    panels = _panels(story)
    rows = -(-len(panels) // COLUMNS)
    figure = Figure((PANEL[0] * COLUMNS, PANEL[1] * rows + 0.6), dpi=100, layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, COLUMNS)).ravel().tolist()
    for panel, into in zip(panels, axes, strict=False):
        panel(into)
    for rest in axes[len(panels) :]:
        rest.set_axis_off()
    event = story.event
    when = datetime.fromtimestamp(event.start / NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lasted_s = (event.end - event.start) / NS
    figure.suptitle(_plain(f"{event.label}  ({event.severity}, score {event.score:.2f})  {when}, {lasted_s:.1f} s"))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def _panels(story: Story) -> list[Draw]:
    event = story.event
    panels: list[Draw] = []
    for topic, jpeg in event.pictures.items():
        panels.append(partial(_picture, jpeg=jpeg, title=f"{topic}\nwhere strongest"))
        if topic in story.normal:
            ago_s = (event.end - event.nearest) / NS
            title = f"{topic}\nmost alike normal, {ago_s:.0f} s before"
            panels.append(partial(_picture, jpeg=story.normal[topic], title=title))
    panels += [partial(_spectrogram, wav=wav, title=topic) for topic, wav in event.sounds.items()]
    for topic, rows_T7 in story.motion.items():
        panels.append(partial(_motion, rows_T7=rows_T7, first=1, title=f"{topic}, m/s²", story=story))
        panels.append(partial(_motion, rows_T7=rows_T7, first=4, title=f"{topic}, rad/s", story=story))
    if story.unlike:
        panels.append(partial(_unlike, story=story))
    if len(story.told) > 1 and any(one.evidence for one in story.told):
        panels.append(partial(_evidence_over_time, story=story))
    if event.history:
        panels.append(partial(_history, story=story))
    if event.evidence:
        panels.append(partial(_bars, values=event.evidence, title="what spoke for it"))
    if event.weights:
        panels.append(partial(_bars, values=event.weights, title="what was listened to"))
    if story.beside:
        panels.append(partial(_beside, story=story))
    return panels or [_nothing]


def _picture(axes: Axes, jpeg: bytes, title: str) -> None:
    axes.imshow(np.asarray(Image.open(io.BytesIO(jpeg))))
    axes.set_axis_off()
    axes.set_title(_plain(title), fontsize=9)


def _spectrogram(axes: Axes, wav: bytes, title: str) -> None:
    with wave.open(io.BytesIO(wav)) as file:
        rate_hz = file.getframerate()
        samples_N = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    columns = max(1, len(samples_N) // (FFT // 2) - 1)
    padded = np.pad(samples_N, (0, max(0, FFT + FFT // 2 * (columns - 1) - len(samples_N))))
    frames = np.stack([padded[n * FFT // 2 : n * FFT // 2 + FFT] for n in range(columns)])
    power = np.abs(np.fft.rfft(frames * np.hanning(FFT))) ** 2
    loudness_dB = 10 * np.log10(power / (32768.0 * FFT / 4) ** 2 + 1e-12)
    extent = (0.0, len(samples_N) / rate_hz, 0.0, rate_hz / 2000)
    axes.imshow(loudness_dB.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-100, vmax=0)
    axes.set(title="", xlabel="s of the strongest window", ylabel="kHz")
    axes.set_title(_plain(f"{title}, dB of full scale, -100 to 0"), fontsize=9)


def _motion(axes: Axes, rows_T7: Array, first: int, title: str, story: Story) -> None:
    for number, name in enumerate(AXES):
        axes.plot(rows_T7[:, 0], rows_T7[:, first + number], lw=0.7, label=name)
    _over_time(axes, title, story)


def _unlike(axes: Axes, story: Story) -> None:
    for topic, rows_W2 in story.unlike.items():
        axes.plot(rows_W2[:, 0], rows_W2[:, 1], lw=1.2, label=_plain(topic))
    what = "the most alike normal window" if story.event.nearest else "the first window here"
    _over_time(axes, f"cosine distance from {what}", story)


def _evidence_over_time(axes: Axes, story: Story) -> None:
    names = sorted(story.event.evidence, key=lambda name: -story.event.evidence[name])[:6]
    for name in names:
        points = [
            ((one.end - story.event.start) / NS, one.evidence[name]) for one in story.told if name in one.evidence
        ]
        axes.plot(*zip(*points, strict=True), marker=".", lw=1, label=_plain(name))
    _over_time(axes, "what spoke for it, as it was told", story)


def _history(axes: Axes, story: Story) -> None:
    axes.plot(story.event.history, color="black", lw=1.2, marker=".")
    axes.set_xlabel("window since it opened")
    axes.set_title("score", fontsize=9)


def _bars(axes: Axes, values: Mapping[str, float], title: str) -> None:
    ranked = sorted(values.items(), key=lambda item: -item[1])[:MOST_NAMES][::-1]
    axes.barh([_plain(name) for name, _ in ranked], [value for _, value in ranked], color="tab:blue")
    axes.tick_params(labelsize=7)
    axes.set_title(title, fontsize=9)


def _beside(axes: Axes, story: Story) -> None:
    shown = [story.event, *story.beside[:MOST_NAMES]][::-1]
    for row, event in enumerate(shown):
        begin, end = ((t - story.event.start) / NS for t in (event.start, event.end))
        axes.barh(row, end - begin, left=begin, color="tab:red" if event.id == story.event.id else "tab:gray")
    axes.set_yticks(range(len(shown)), [_plain(f"{event.label} {event.score:.1f}") for event in shown], fontsize=7)
    axes.set_xlim((story.start - story.event.start) / NS, (story.end - story.event.start) / NS)
    axes.set_xlabel("s after its start")
    axes.set_title("what else was said", fontsize=9)


def _nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "nothing was gathered of it", ha="center", va="center")
    axes.set_axis_off()


def _over_time(axes: Axes, title: str, story: Story) -> None:
    axes.axvspan(0, (story.event.end - story.event.start) / NS, color="tab:red", alpha=0.12, lw=0)
    axes.set_xlabel("s after its start")
    axes.set_title(_plain(title), fontsize=9)
    axes.legend(fontsize=6, loc="best", framealpha=0.6)


def _plain(text: str) -> str:
    """Return ``text`` as it is, though it may hold what matplotlib takes for formulas."""
    return text.replace("$", r"\$")
