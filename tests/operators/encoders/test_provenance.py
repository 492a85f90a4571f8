"""What tells weights from others."""

from pathlib import Path

import pytest

from operators.encoders.depth import DepthEncoder
from operators.encoders.mini.depth import MiniDepth
from operators.encoders.mini.imu import MiniImu
from operators.encoders.provenance import digest_of, files_of


def test_shipped_weights_have_one_digest_whoever_reads_them() -> None:
    assert {path.name for path in files_of(MiniDepth())} >= {"depth.safetensors", "text.safetensors"}
    assert digest_of([MiniDepth()]) == digest_of([MiniDepth(), MiniImu()])
    assert len(digest_of([MiniDepth()])) == 64


def test_placeholders_have_none() -> None:
    assert digest_of([DepthEncoder(), object()]) == ""


@pytest.mark.parametrize("other", [b"other weights", b""])
def test_other_bytes_are_another_digest(tmp_path: Path, other: bytes) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"some weights")
    encoder = DepthEncoder(weights=str(path))
    before = digest_of([encoder])
    path.write_bytes(other)
    assert digest_of([encoder]) != before
