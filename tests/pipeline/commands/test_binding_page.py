"""docs/binding.md is true: its whisker is bound to pictures by its own files, and then knows a sentence."""

import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from forces import Whisker
from torch.nn import functional

from operators.binding.recipe import DEFAULTS, Recipe
from operators.evaluation.classification import auroc
from operators.sets.item import Item
from pipeline.commands.bind.config import KINDS, Binding
from pipeline.commands.bind.found import Wanted
from pipeline.commands.bind.recordings import Recording
from pipeline.config import load
from pipeline.logs import Recorded
from pipeline.logs.writer import LogWriter
from pipeline.messages import NS, Received
from sensors.simulator import timetable
from sensors.simulator.camera import Camera
from sensors.simulator.clockwork import merge
from sensors.simulator.rig import START
from sensors.simulator.world import World

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "binding.md").read_text()
CODE = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE, re.DOTALL)


def block(*signs: str) -> str:
    """Return the one example that has all of these signs."""
    (found,) = (str(text) for text in CODE if all(sign in text for sign in signs))
    return found


ENCODER, RIG, USE = block("class Force"), block("[[channels]]"), block("def likeness")
BIND, LINES = block('modality = "force"\nout'), block("force.safetensors", "[model.encoders.force]")
DAY = block("A simulated day")

SECONDS = 46.0
"""Of a tour: a person, an animal, a vehicle and the beginning of a fire."""

LEARNED, UNSEEN = range(30, 38), range(40, 43)
"""Worlds that are driven through for the whisker's day, and others."""

TOLD = ("vehicle passing", "person walking by", "animal walking by")


def drive(path: Path, rig: Path, seed: int) -> None:
    """Record a rover with a camera and a whisker in one world."""
    shared: dict[str, Any] = {"seed": seed, "scenario": "tour", "duration_s": SECONDS, "start_ns": START}
    sensors: list[Any] = [
        Camera(topic="/camera", rate_hz=2.0, realtime=False, **shared),
        Whisker(realtime=False, **shared),
    ]
    writer = LogWriter(path, load(rig))
    for sample in merge(sensors, World(seed, "rover", "tour"), START):
        writer.sample(Received(sample=sample, received=sample.stamp))
    writer.finish({})


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which all that the page says was done, and what was printed."""
    folder = tmp_path_factory.mktemp("whisker")
    for name, text in (("whisker.py", ENCODER), ("rig.toml", RIG), ("bind.toml", BIND)):
        (folder / name).write_text(text)
    sys.path.insert(0, str(folder))
    for seeds, where in ((LEARNED, "day"), (UNSEEN, "next")):
        for seed in seeds:
            drive(folder / where / f"{seed}.mcap", folder / "rig.toml", seed)
    return folder, rigbind(folder, "bind", "bind.toml")


def rigbind(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pipeline.commands", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def windows(folder: Path) -> list[Item]:
    """What the rig recorded the day after."""
    wanted = Wanted(anchor="vision", modality="force", kept=folder / "kept")
    return [item for found in Recording(path=f"{folder}/next/*.mcap").find(wanted) for item in found.items]


def happens(items: Iterable[Item], label: str) -> np.ndarray[Any, Any]:
    """(N,) bool: whether ``label`` happens in the middle of each window."""
    truth = []
    for item in items:
        (clip,), seed = item.senses["force"](), int(re.findall(r"(\d+)\.mcap", item.name)[0])
        middle = (clip.start + clip.end) // 2 - START
        table = timetable("tour", seed, "rover", SECONDS)
        truth.append(any(one.label == label and one.start <= middle < one.end for one in table))
    return np.array(truth)


def knowing(vectors_ND: Any, items: list[Item], sentences_KD: Any) -> float:
    """Return the mean AUROC of ``TOLD`` by sentence."""
    scores_NK = vectors_ND @ sentences_KD.T
    return float(np.mean([auroc(scores_NK[:, k], happens(items, label)) for k, label in enumerate(TOLD)]))


def which(vectors_ND: Any, items: list[Item], sentences_KD: Any) -> float:
    """Return how often the nearest sentence is right where something passes; guessing gets a third."""
    truth_NK = np.stack([happens(items, label) for label in TOLD], axis=1)
    passes_N = truth_NK.any(1)
    nearest_N = (vectors_ND @ sentences_KD.T).argmax(1)
    return float(np.mean(truth_NK.argmax(1)[passes_N] == nearest_N[passes_N]))


@pytest.mark.slow
def test_a_whisker_learns_sentences_from_pictures(bound: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = bound
    monkeypatch.chdir(folder)
    items = windows(folder)
    clips = [item.senses["force"]()[0] for item in items]
    page: dict[str, Any] = {}
    exec(USE, page)
    vehicles = happens(items, "vehicle passing")
    assert np.mean(page["likeness"](clips)[vehicles]) > np.mean(page["likeness"](clips)[~vehicles]) + 0.02
    encoder, sentences = page["space"].encoder("force"), page["space"].embed(*TOLD)
    inputs = np.stack([encoder.prepare(clip) for clip in clips])
    taught = knowing(encoder.embed(inputs), items, sentences)
    assert taught > 0.7
    assert which(encoder.embed(inputs), items, sentences) > 0.4
    untaught = []
    for seed in range(8):  # each is sure of something, for a strong push moves it far; on the whole they know nothing
        torch.manual_seed(seed)
        with torch.no_grad():
            vectors = functional.normalize(import_module("whisker").Network()(torch.from_numpy(inputs)), dim=1)
        untaught.append(knowing(vectors.numpy(), items, sentences))
    assert taught > np.mean(untaught) + 0.15


@pytest.mark.slow
def test_what_it_prints_is_what_the_page_says(bound: tuple[Path, str]) -> None:
    folder, told = bound
    assert LINES in told
    assert len(re.findall(r"recording day/\d+\.mcap", told)) == len(LEARNED)
    before, after = map(float, re.findall(r"R@1 of what was held out, .*: (\S+) before, (\S+) now", told)[0])
    assert after > before
    figures = msgspec.json.decode((folder / "out" / "metrics.json").read_bytes())["figures"]
    assert figures["r10"] > 1.5 * 10 * figures["chance_r1"]
    assert (folder / "out" / "curves.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_rig_file_with_these_lines_is_good(bound: tuple[Path, str]) -> None:
    folder, _ = bound
    head, _, rest = RIG.partition("[model.encoders.force]")
    (folder / "new.toml").write_text(head + LINES + rest.partition("\n\n")[2])
    assert "good: 2 channels" in rigbind(folder, "check", "new.toml")


@pytest.mark.parametrize("kind", KINDS)
def test_every_source_and_its_keys_are_on_the_page(kind: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind}` |"))
    for field in msgspec.structs.fields(KINDS[kind]):
        assert field.name == "kind" or f"`{field.name}`" in row


@pytest.mark.parametrize("field", [field.name for field in msgspec.structs.fields(Binding)])
def test_every_key_of_a_binding_is_on_the_page(field: str) -> None:
    assert f"| `{field}` |" in PAGE


def test_the_recipe_is_as_the_page_has_it() -> None:
    table = PAGE.partition("## Recipe")[2].partition("## What to expect")[0]
    rows = {cells[1].strip(" `"): cells[2:7] for line in table.splitlines() if len(cells := line.split("|")) > 7}
    defaults = {field.name: field.default for field in msgspec.structs.fields(Recipe)}
    assert all(f"`{name}`" in table for name in defaults)
    for name in ("temperature", "rate", "decay", "clip", "crops", "erase", "mask", "shake"):
        default, *of = (cell.strip() for cell in rows[name])
        assert float(default) == defaults[name]
        for modality, cell in zip(("audio", "depth", "thermal", "imu"), of, strict=True):
            assert float(cell or default) == DEFAULTS[modality].get(name, defaults[name]), (name, modality)


def test_the_day_with_another_lens_is_recorded_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(DAY.replace("120.0", "3.0").replace("2000, 2010", "2000, 2001"), {})
    shapes = {one.sample.topic: one.sample.data.shape for one in Recorded(tmp_path / "day" / "2000.mcap").samples()}
    assert shapes == {"/camera/front": (120, 160, 3), "/thermal/front": (60, 80)}


def test_a_tour_holds_what_the_whisker_is_asked_about() -> None:
    ends = {one.label: one.end for one in timetable("tour", UNSEEN[0], "rover", SECONDS)}
    assert ends["vehicle passing"] < SECONDS * NS
