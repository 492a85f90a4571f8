"""What ran live on Ray Serve comes out again from its recording, in one process, bit for bit."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def rigbind(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.commands", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def digests(told: str) -> dict[str, str]:
    return dict(re.findall(r"^(windows|embeddings|events) +sha256 ([0-9a-f]{64})$", told, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.alone
def test_a_recorded_run_of_the_demo_is_verified(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "demo.toml").read_text().replace("out/events.jsonl", f"{tmp_path}/events.jsonl")
    places = "".join(f'{name} = "ipc://{tmp_path}/{name}"\n' for name in ("address", "events", "control"))
    head = f"[bus]\n{places}"
    rig, log = tmp_path / "rig.toml", tmp_path / "run.mcap"
    rig.write_text(head + text)
    live = rigbind("run", rig, "--seconds", "12", "--record", log)
    assert live.returncode == 0, live.stderr
    assert len(digests(live.stdout)) == 3
    again = rigbind("replay", log, "--verify")
    assert again.returncode == 0, again.stderr
    assert "verified:" in again.stdout
    assert digests(again.stdout) == digests(live.stdout)
    over = rigbind("run", rig, "--seconds", "1", "--record", log)
    assert over.returncode == 2
    assert "there is a file already" in over.stderr


def test_a_log_of_somebody_elses_cannot_be_verified(tmp_path: Path) -> None:
    (tmp_path / "other.mcap").write_bytes(b"\x89MCAP0\r\n")
    done = rigbind("replay", tmp_path / "other.mcap", "--verify")
    assert done.returncode == 2
    assert "there is nothing to verify" in done.stderr
