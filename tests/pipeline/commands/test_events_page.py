"""What docs/events.md shows can be written in a rig file, and typed."""

import re
import shlex
from pathlib import Path

import pytest
from rigs import rig_file
from typer.testing import CliRunner

from pipeline.commands.assembly import load_checked
from pipeline.commands.label import label

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "events.md").read_text()


def test_its_rig_files_have_no_mistakes(tmp_path: Path) -> None:
    rig = rig_file(tmp_path)
    before = rig.read_text()
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        rig.write_text(before + block)
        load_checked(rig)
    assert len(blocks) == 2
    rig.write_text(before + blocks[1].replace("timeout_s", "timeout_ms"))
    with pytest.raises(Exception, match="timeout_ms"):
        load_checked(rig)


def test_its_commands_have_these_options() -> None:
    lines = re.findall(r"^rigbind label (.*?)(?: +#.*)?$", PAGE, re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"add", "list", "wrong", "drop"}
    for line in lines:
        result = CliRunner().invoke(label, [*shlex.split(line), "--help"])
        assert result.exit_code == 0
        told = result.output
        assert all(option in told for option in re.findall(r"--\w+", line))
