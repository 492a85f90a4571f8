"""`rigbind label` changes a running line, or says why not."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from lines import line_of
from rigs import rig_file
from typer.testing import CliRunner

from pipeline.commands.assembly import load_checked, model_name
from pipeline.commands.label import label
from pipeline.control import ControlServer
from pipeline.errors import ControlError, InputError


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Path]:
    """The file of a rig whose line does what it is told."""
    rig = rig_file(tmp_path)
    rig.write_text(rig.read_text().replace("[bus]\n", f'[bus]\ncontrol = "ipc://{tmp_path}/control"\n'))
    line, stop = line_of(), threading.Event()
    line.steering.model = model_name(load_checked(rig))
    with closing(ControlServer(f"ipc://{tmp_path}/control")) as server:

        def work() -> None:
            while not stop.wait(0.005):
                for request in server.take():
                    line.asked(request)

        thread = threading.Thread(target=work)
        thread.start()
        yield rig
        stop.set()
        thread.join()


def said(*arguments: str, rig: Path) -> str:
    result = CliRunner().invoke(label, [*arguments, "--rig", str(rig)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_labels_are_added_listed_and_dropped(rig: Path) -> None:
    added = said(
        "add",
        "smoke",
        "smoke rises",
        "a cloud",
        "--threshold",
        "0.8",
        "--modality",
        "imu",
        "--severity",
        "critical",
        rig=rig,
    )
    assert "'smoke' is looked for" in added
    assert "smoke rises, a cloud" in added
    listed = said("list", rig=rig)
    assert all(word in listed for word in ("fire", "smoke", "imu", "0.8", "critical", "2 labels are looked for"))
    assert "smoke" not in said("drop", "smoke", rig=rig).partition("no more")[2]


def test_labels_alike_are_told(rig: Path) -> None:
    assert "flames and fire are alike: cosine 1.000" in said("add", "flames", "a fire", rig=rig)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        (["drop", "nothing"], ControlError, "nothing is looked for under the name 'nothing'"),
        (["right", "e@1"], ControlError, "there was no event 'e@1'"),
        (["add", "x" * 65, "words"], InputError, "cannot be looked for"),
        (["add", "x", "nowhere.wav"], InputError, "nowhere.wav"),
        (["add", "x", "words", "--threshold", "7"], InputError, "cannot be looked for"),
        (["add", "x", "words", "--severity", "dire"], InputError, "cannot be looked for"),
        (["add", "x", "words", "--modality", "visoin"], InputError, "visoin may not speak for 'x': this rig has audio"),
    ],
)
def test_what_cannot_be_is_a_sentence(rig: Path, arguments: list[str], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence.replace("(", r"\(")):
        CliRunner().invoke(label, [*arguments, "--rig", str(rig)], catch_exceptions=False)


def test_examples_need_the_model_of_the_line(rig: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name its rig file with --rig"):
        CliRunner().invoke(label, ["add", "x", "bird.wav"], catch_exceptions=False)
    other = tmp_path / "other.toml"
    other.write_text(rig.read_text().replace('"fakes:Counting"', '"fakes:Broken"'))
    with pytest.raises(InputError, match="runs other encoders"):
        CliRunner().invoke(label, ["add", "x", "bird.wav", "--rig", str(other)], catch_exceptions=False)


def test_a_rig_that_takes_no_commands_says_so(tmp_path: Path) -> None:
    rig = rig_file(tmp_path)
    rig.write_text(rig.read_text().replace("[bus]\n", '[bus]\ncontrol = ""\n'))
    with pytest.raises(InputError, match=r"bus\.control is empty"):
        CliRunner().invoke(label, ["list", "--rig", str(rig)], catch_exceptions=False)
