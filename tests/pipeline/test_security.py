"""Nothing leaves this host in the clear by accident."""

import stat
from pathlib import Path

import pytest

from pipeline.config import Security
from pipeline.errors import SecurityError
from pipeline.security import allow, is_private, make_keys


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("ipc:///run/rigbind", True),
        ("inproc://x", True),
        ("tcp://127.0.0.1:5570", True),
        ("tcp://127.8.8.8:5570", True),
        ("tcp://[::1]:5570", True),
        ("tcp://localhost:5570", True),
        ("tcp://*:5570", False),
        ("tcp://0.0.0.0:5570", False),
        ("tcp://10.0.0.3:5570", False),
        ("tcp://robot.local:5570", False),
        ("tcp://[::]:5570", False),
    ],
)
def test_only_this_host_is_private(address: str, private: bool) -> None:
    assert is_private(address) == private


def test_an_open_address_needs_keys_or_a_word() -> None:
    with pytest.raises(SecurityError, match=r"tcp://\*:1 can be reached from other hosts"):
        allow("tcp://*:1", Security())
    allow("tcp://*:1", Security(insecure=True))
    allow("tcp://*:1", Security(keys="somewhere"))


def test_keys_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = make_keys(folder, "front")
    assert {path.name for path in made} == {"ingest.key", "ingest.key_secret", "front.key", "front.key_secret"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made)
    assert make_keys(folder, "front") == []
    assert {path.name for path in make_keys(folder, "rear")} == {"rear.key", "rear.key_secret"}
