"""The README is true: every command, key and protocol is in it, and its example publishes."""

import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from golden import golden
from makers import IMU

import pipeline.messages
from pipeline.bus import Subscriber
from pipeline.commands.__main__ import COMMANDS
from pipeline.config import Bus, Config, Part
from pipeline.ledger import MEANING, Ledger
from pipeline.logs.rows import TOPICS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PROTOCOLS = [
    name
    for name, thing in vars(pipeline.messages).items()
    if getattr(thing, "_is_protocol", False) and name != "Protocol"
]
EMBEDDER, PUBLISHER = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def keys() -> list[str]:
    """Every key of a rig file, as the end of its name in the README's table."""
    found = []
    for section in msgspec.structs.fields(Config):
        kind = getattr(section.type, "__args__", [section.type])[0]
        found += [f"`{section.name}`"] if kind is Part else [f".{key}`" for key in kind.__struct_fields__]
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(command: str) -> None:
    assert f"`rigbind {command} " in README


@pytest.mark.parametrize("key", keys())
def test_every_key_of_a_rig_file_is_there(key: str) -> None:
    table = README.partition("| key | default | meaning |")[2].partition("\n\n")[0]
    assert key in table


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_there(protocol: str) -> None:
    assert f"`{protocol}`" in README


@pytest.mark.parametrize("cause", [cause for cause in MEANING if cause != "restart"])
def test_every_end_of_a_sample_is_there(cause: str) -> None:
    assert cause in README.partition("For each topic, always:")[2]


@pytest.mark.parametrize("topic", TOPICS.values())
def test_every_topic_of_a_recording_is_there(topic: str) -> None:
    assert f"`{topic}`" in README


def test_every_file_that_is_linked_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_example_publishes(tmp_path: Path) -> None:
    assert len(PUBLISHER.splitlines()) <= 30
    address = f"ipc://{tmp_path}/bus"
    assert "tcp://127.0.0.1:5570" in PUBLISHER
    script = tmp_path / "publisher.py"
    script.write_text(PUBLISHER.replace("tcp://127.0.0.1:5570", address).replace("range(1000)", "range(100)"))
    ledger = Ledger()
    with closing(Subscriber(Bus(address=address), [IMU], ledger)) as subscriber:
        subprocess.run([sys.executable, script], check=True, timeout=60, cwd=tmp_path)
        time.sleep(0.2)
        got = subscriber.take()
    assert [item.sample.seq for item in got] == list(range(100))
    assert got[0].sample.data[2] == 9.81
    assert not ledger.lost("/imu")


def test_the_example_embeds(tmp_path: Path) -> None:
    (tmp_path / "dog.jpg").write_bytes(golden("img_320x240.png").read_bytes())
    (tmp_path / "bark.wav").write_bytes(golden("audio_mono16k_short.wav").read_bytes())
    script = tmp_path / "embed.py"
    assert "imagebind:imagebind_huge.pth" in EMBEDDER
    script.write_text(EMBEDDER.replace("imagebind:imagebind_huge.pth", "mini"))
    done = subprocess.run(
        [sys.executable, script],
        check=True,
        timeout=60,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    rows = [[float(value) for value in row.split()] for row in re.sub(r"[\[\]]", "", done.stdout).splitlines()]
    assert [row[place] for place, row in enumerate(rows)] == pytest.approx([1, 1, 1], abs=1e-5)
