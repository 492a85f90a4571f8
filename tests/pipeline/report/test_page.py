"""The page shows what passed, needs nothing from anywhere, and no name in a log can become a part of it."""

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fakes import Counting
from makers import T0, sample
from rigs import CHANNELS, samples

from operators.fusion import CrossAttention
from pipeline.config import Config, Model
from pipeline.engine import Engine, Local
from pipeline.errors import InputError
from pipeline.line import Line
from pipeline.messages import NS, Encoder, Event
from pipeline.report.gather import MAX_PICTURES, Gathering, Pictures, unlike
from pipeline.report.hearing import BANDS, COLUMN, LOWEST_HZ, Spectrogram
from pipeline.report.motion import Motion
from pipeline.report.page import MAX_SCORES, page, write_page
from pipeline.run import paced, run

EVIL = '<script>alert("x")</script>'


def replayed(events: list[Event], seconds: float = 6.0) -> tuple[Gathering, Line]:
    gathering = Gathering(CHANNELS)
    encoders: dict[str, Encoder] = {channel.modality: Counting(channel.modality) for channel in CHANNELS}
    engine = Engine(encoders, Local(encoders), deadline_s=5.0)
    line = Line(Config(channels=CHANNELS, model=Model()), engine, CrossAttention(), [], [gathering])

    async def session() -> None:
        async for _ in run(paced(samples(seconds), line, None), line):
            pass
        await line.close()

    asyncio.run(session())
    for event in events:
        gathering.write(event)
    return gathering, line


def event(at_s: float, label: str, **fields: object) -> Event:
    start = T0 + round(at_s * NS)
    return Event(
        id=f"{label}@{start}", phase="closed", start=start, end=start + NS, label=label, score=2.5, source="tagging",
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip


class Elements(HTMLParser):
    """Counts a page's elements and keeps what their attributes point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.targets += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]


def test_the_page_holds_a_row_for_everything_and_points_nowhere() -> None:
    seen = event(1.0, "fire", evidence={"/camera": 0.75}, pictures={"/camera": b"jpeg"}, sounds={"/microphone": b"wav"})
    text = page(*replayed([seen, event(3.0, "fire"), event(2.0, "siren", severity="critical")]), "walk.mcap")
    told = Elements(text)
    assert all(target.startswith("data:") for target in told.targets)
    assert not re.search(r"https?:|@import|url\(", text)
    assert text.count('aria-label="/camera') == 1
    assert text.count('aria-label="/imu') == 3  # how unlike, |a| and |ω|
    assert told.tags.count("audio") == 1
    assert text.count("fire, score 2.50, 1.00 s") == 1
    assert text.count('class="mark critical"') == 1
    assert "/camera 0.75" in text
    assert "12 windows · 3 events" in text
    assert "prefers-color-scheme: dark" in text
    films = [target for target in told.targets if target.startswith("data:image/jpeg")]
    assert 10 <= len(films) - 1 <= 14


def test_scores_are_drawn_the_highest_first_chosen() -> None:
    gathering, line = replayed([], 2.0)
    assert "<h2>Scores</h2>" not in page(gathering, line, "a")
    ends = gathering.ends
    gathering.scores = {f"name {n}": [(end, float(n)) for end in ends] for n in range(MAX_SCORES + 5)}
    text = page(gathering, line, "a")
    assert text.count('aria-label="name ') == MAX_SCORES
    assert 'aria-label="name 20' in text
    assert 'aria-label="name 0' not in text


def test_what_a_log_is_called_stays_text() -> None:
    evil = event(1.0, EVIL, evidence={EVIL: 1.0}, pictures={f'"{EVIL}': b"x"})
    text = page(*replayed([evil], 2.0), EVIL)
    assert "script" not in Elements(text).tags
    assert "&lt;script&gt;" in text


def test_a_replay_without_a_window_has_a_page() -> None:
    text = page(*replayed([], 0.0), "nothing.mcap")
    assert "0 windows · 0 events" in text
    assert "Nothing was told." in text


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    gathering, line = replayed([], 1.0)
    write_page(tmp_path / "new" / "r.html", gathering, line, "a")
    assert (tmp_path / "new" / "r.html").read_text().startswith("<!doctype html>")
    with pytest.raises(InputError, match="no report can be written there"):
        write_page(tmp_path, gathering, line, "a")


def test_thumbnails_are_few_however_long_the_log_is() -> None:
    pictures, frame = Pictures("vision"), np.zeros((12, 16, 3), np.uint8)
    for number in range(2000):
        pictures.add(sample("/camera", number / 4, number, frame))
    stamps = [stamp for stamp, _ in pictures.kept]
    assert MAX_PICTURES // 2 <= len(stamps) <= MAX_PICTURES
    assert len(set(np.diff(stamps))) == 1
    assert stamps[-1] - T0 > 450 * NS


def test_a_tone_is_a_line_at_its_pitch_and_silence_is_dark() -> None:
    heard = Spectrogram(16_000)
    tone = (16_000 * np.sin(2 * np.pi * 2_000 * np.arange(16_000) / 16_000)).astype(np.int16)
    for number in range(0, 16_000, 160):  # a second of it, one without anything, one of silence
        heard.add(sample("/microphone", number / 16_000, 0, tone[number : number + 160]))
    for number in range(0, 16_000, 160):
        heard.add(sample("/microphone", 2 + number / 16_000, 0, np.zeros((160, 2), np.float32)))
    picture = heard.picture(T0, T0 + 3 * NS, 60)
    assert np.isnan(picture[:, 20:40]).all()
    assert (picture[:, 41:] == 0).all()
    row = int(picture[:, 5].argmax())
    pitch = LOWEST_HZ * (8_000 / LOWEST_HZ) ** ((BANDS - 1 - row + 0.5) / BANDS)
    assert 1_850 < pitch < 2_150
    assert picture[row, 5] == pytest.approx(1 + 20 * np.log10(16_000 / 32_768) / 90, abs=0.03)
    assert len(heard.columns) == 2 * NS // COLUMN


def test_motion_keeps_the_extremes() -> None:
    motion = Motion()
    readings = [np.array([3.0, 4, 0, 0, 0, 1]), np.array([0.0, 0, 9, 0, 0, 0]), np.array([0.0, 0, 1, 0, 5, 0])]
    motion.add([sample("/imu", number / 100, number, one) for number, one in enumerate(readings)])
    motion.add([sample("/imu", 0.09, 9, np.array([0.0, 0, 12]))])
    assert motion.curve(0, T0, T0 + NS, 10) == [(0.05, 1.0, 12.0)]
    assert motion.curve(1, T0, T0 + NS, 10) == [(0.05, 0.0, 5.0)]  # the last had no gyroscope


def test_unlike_means_unlike_everything_that_was_over_by_then() -> None:
    rows = np.eye(3)
    vectors = [(0, rows[0]), (1, rows[1]), (2, rows[1]), (3, rows[0]), (4, rows[2])]
    assert unlike(vectors, 2) == [(2, 1.0), (3, 0.0), (4, 1.0)]
    assert unlike([], 2) == []
    assert len(unlike([(number, rows[0]) for number in range(9000)], 1)) <= 4000
