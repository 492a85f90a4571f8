"""`rigbind bind` from its file to weights that a rig uses, and all that can be wrong with the file or the pairs."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from makers import sample
from typer.testing import CliRunner

from pipeline.commands.__main__ import app
from pipeline.commands.bind import curves
from pipeline.commands.bind.config import load
from pipeline.commands.bind.found import Found
from pipeline.commands.bind.gathering import tell_found
from pipeline.commands.console import make_console
from pipeline.config import Channel, Config
from pipeline.errors import ConfigError, PipelineError
from pipeline.logs.writer import LogWriter
from pipeline.messages import Array, Received

FILE = """
modality = "thermal"
out = "OUT"

[model.encoders]
vision = { use = "teachable:Brightness" }
thermal = { use = "teachable:Warmth" }

[recipe]
batch = 32
epochs = 30
rate = 0.01
decay = 0.0
crops = 0
erase = 0.0

[[sources]]
kind = "recording"
path = "LOGS"
block_s = 20.0
gap_s = 2.0
"""


def record(path: Path, seed: int, seconds: int = 100, cold: bool = False) -> None:
    """A camera and a thermal one that see the same level, another one each second."""
    rng = np.random.default_rng(seed)
    channels = [Channel("/camera", "vision", 2.0), Channel("/thermal", "thermal", 2.0)]
    writer = LogWriter(path, Config(channels=channels))
    levels = rng.uniform(size=seconds + 1)
    for number in range(2 * seconds):
        level = levels[(number + 1) // 2]
        dark = cold and number > seconds
        images: dict[str, Array] = {
            "/camera": np.full((12, 16, 3), 255 * level, np.uint8),
            "/thermal": np.full((12, 16), 0 if dark else 20_000 + 20_000 * level, np.uint16),
        }
        for topic, image in images.items():
            one = sample(topic, number / 2, number, image)
            writer.sample(Received(sample=one, received=one.stamp))
    writer.finish({})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A binding of two recordings."""
    for seed in range(2):
        record(tmp_path / "logs" / f"{seed}.mcap", seed)
    return written(tmp_path)


def written(folder: Path, old: str = "", new: str = "") -> Path:
    path = folder / "bind.toml"
    text = FILE.replace("OUT", f"{folder}/out").replace("LOGS", f"{folder}/logs/*.mcap")
    path.write_text(text.replace(old, new) if old else text)
    return path


def bind(path: Path) -> str:
    done = CliRunner().invoke(app, ["bind", str(path)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def refused(path: Path) -> str:
    with pytest.raises(PipelineError) as error:
        bind(path)
    return str(error.value)


def figures(folder: Path) -> dict[str, float]:
    told: dict[str, Any] = msgspec.json.decode((folder / "out" / "metrics.json").read_bytes())
    found: dict[str, float] = told["figures"]
    return found


def test_what_was_held_out_is_found_again_better_than_before(file: Path) -> None:
    told = bind(file)
    measured = figures(file.parent)
    assert measured["r1"] > measured["before_r1"] + 0.3
    assert measured["back_r10"] > 0.9
    assert f"{measured['before_r1']:.3f} before, {measured['r1']:.3f} now" in told
    assert measured["chance_r1"] < 0.1
    assert told.count("recording ") == 2
    assert "windows in the gap between two blocks" in told
    assert "epoch 30: loss" in told


def test_the_weights_are_those_that_were_judged(file: Path) -> None:
    told = bind(file)
    weights = file.parent / "out" / "thermal.safetensors"
    lines = f'[model.encoders.thermal]\nuse = "teachable:Warmth"\nparams = {{ weights = "{weights}" }}'
    assert lines in told
    before = figures(file.parent)["r1"]
    again = written(file.parent, '"teachable:Warmth" }', f'"teachable:Warmth", params = {{ weights = "{weights}" }} }}')
    again.write_text(again.read_text().replace('/out"\n', '/more"\n'))
    bind(again)
    told_again: dict[str, Any] = msgspec.json.decode((file.parent / "more" / "metrics.json").read_bytes())
    assert told_again["figures"]["before_r1"] == before


def test_what_got_worse_is_told(file: Path) -> None:
    assert "that is less than before" not in bind(file)
    weights = file.parent / "out" / "thermal.safetensors"
    taught = f'"teachable:Warmth", params = {{ weights = "{weights}" }} }}'
    again = written(file.parent, '"teachable:Warmth" }', taught)
    wild = again.read_text().replace('/out"\n', '/wild"\n').replace("rate = 0.01", "rate = 9.0")
    again.write_text(wild)
    assert "that is less than before: lower recipe.rate or recipe.epochs" in bind(again)


def test_a_run_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bind(file)
    whole = (file.parent / "out" / "thermal.safetensors").read_bytes()
    other = file.parent / "other.toml"
    other.write_text(file.read_text().replace(f"{file.parent}/out", f"{file.parent}/stopped"))

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.commands.bind.command._told", stopping(11))
        assert CliRunner().invoke(app, ["bind", str(other)]).exit_code != 0
    told = bind(other)
    assert "going on after step" in told
    assert "epoch 5:" not in told
    assert (file.parent / "stopped" / "thermal.safetensors").read_bytes() == whole


def stopping(epoch: int) -> Any:
    """Return what stops a run as Ctrl-C would, when it tells of this epoch."""

    def told(step: Any) -> str:
        if step.epoch == epoch:
            raise KeyboardInterrupt
        return ""

    return told


def test_a_run_that_is_over_is_told_again_and_another_recipe_is_another_run(file: Path) -> None:
    bind(file)
    before = figures(file.parent)
    assert "epoch" not in bind(file)
    assert figures(file.parent) == before
    assert "holds a run of another recipe" in refused(written(file.parent, "rate = 0.01", "rate = 0.02"))


def test_what_cannot_be_read_is_named_and_counted(tmp_path: Path) -> None:
    record(tmp_path / "logs" / "0.mcap", 0)
    record(tmp_path / "logs" / "1.mcap", 1, cold=True)
    told = bind(written(tmp_path))
    assert "not read: " in told
    assert "nothing is that cold" in told
    assert figures(tmp_path)["unread"] > 10


def test_curves_are_drawn(file: Path) -> None:
    bind(file)
    assert (file.parent / "out" / "curves.png").read_bytes()[:4] == b"\x89PNG"


def test_curves_of_nothing_are_drawn_too(tmp_path: Path) -> None:
    curves.draw([], 0.1, 0.1, "nothing", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").is_file()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('modality = "thermal"\n', "", "bind.toml: modality: missing"),
        ('modality = "thermal"\n', 'modality = "vision"\n', "anchor: 'vision' is what is to be bound"),
        ('out = "', 'outt = "', "outt: unknown key; did you mean `out`?"),
        ("epochs = 30", "epoch = 30", "bind.toml: recipe: Object contains unknown field `epoch`"),
        ("epochs = 30", "epochs = 0", "bind.toml: recipe: Expected `int` >= 1 - at `$.epochs`"),
        ('kind = "recording"', 'kind = "recodring"', "sources[0].kind: 'recodring'; did you mean 'recording'?"),
        ("block_s = 20.0", "blocks_s = 20.0", "sources[0]: blocks_s: unknown key; did you mean `block_s`?"),
        ("teachable:Warmth", "teachable:Warm", "model.encoders.thermal.use: 'teachable:Warm'"),
        ('"teachable:Warmth" }', '"teachable:Warmth", params = { heat = 1 } }', "has no such parameter"),
        ("teachable:Warmth", "teachable:Brightness", "teachable:Brightness cannot be bound: it has no network()"),
        ('modality = "thermal"\n', 'modality = "heat"\n', "model.encoders.heat: missing, and preset 'mini' has none"),
        ("[model.enc", '[model]\npreset = "mimi"\n[model.enc', "model.preset: there is no preset 'mimi'"),
        ("/logs/*.mcap", "/nowhere.mcap", "bind.toml: sources[0]: path"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(file: Path, old: str, new: str, told: str) -> None:
    assert told in refused(written(file.parent, old, new))


def test_all_that_is_wrong_with_sources_is_told_at_once(tmp_path: Path) -> None:
    more = '\n[[sources]]\nkind = "simulatr"\n[[sources]]\nkind = "set"\npath = "x"\n'
    path = written(tmp_path)
    path.write_text(path.read_text() + more)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert [mistake.partition("sources")[2][:3] for mistake in error.value.mistakes] == ["[1]", "[2]"]


def test_a_binding_without_sources_is_told_what_there_is(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().partition("[[sources]]")[0])
    assert "there is none; a [[sources]] has a kind: recording, pairs" in refused(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("batch = 32", "batch = 128", "are less than two batches of 128: record more, or set recipe.batch to"),
        ("block_s = 20.0", "block_s = 900.0\ntopics = ['/camera']", "no source has a pair"),
    ],
)
def test_too_few_pairs_are_refused_with_what_to_do(file: Path, old: str, new: str, told: str) -> None:
    assert told in refused(written(file.parent, old, new))


def test_of_one_group_nothing_can_be_held_out(tmp_path: Path) -> None:
    record(tmp_path / "logs" / "0.mcap", 0)
    assert "pairs are of 1 groups, too few" in refused(written(tmp_path, "block_s = 20.0", "block_s = 900.0"))


def test_refusals_are_told_beside_the_pairs_of_each_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell_found(make_console(), [Found(source="a [b]", items=[], refused=Counter({"too [dark]": 3}))])
    told = capsys.readouterr().out
    assert "a [b]" in told
    assert "3 × too [dark]" in told
