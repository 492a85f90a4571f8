import numpy as np
import pytest
from msgspec.structs import replace

from operators.curve import BIN, CHUNK, Curve
from operators.lag import Lag
from operators.offset import CONTRAST, VAGUE_S, Offset, offset
from operators.salience import Pieces
from pipeline.messages import NS

CAMERA = Offset(topic="/camera", reference="/imu", offset_s=0.12, uncertainty_s=0.01, correlation=0.4)

CERTAIN = Lag(bins=12.0, deviation=0.3, correlation=0.5, contrast=2 * CONTRAST)


def told(number: int) -> Curve:
    """A curve of which chunk ``number`` is known."""
    starts = BIN * np.arange((number - 1) * CHUNK, (number + 2) * CHUNK)
    curve = Curve(9)
    curve.add(Pieces(starts, starts + BIN, np.sin(starts)[:, np.newaxis]))
    curve.cut(number)
    return curve


def test_an_early_stream_makes_its_reference_the_late_one() -> None:
    assert str(CAMERA) == "/camera is 120 ms behind /imu ± 10 ms"
    assert str(replace(CAMERA, offset_s=-0.0504)) == "/imu is 50 ms behind /camera ± 10 ms"


def test_offsets_agree_within_their_uncertainties() -> None:
    assert CAMERA.agrees(replace(CAMERA, offset_s=0.139))
    assert not CAMERA.agrees(replace(CAMERA, offset_s=0.141))
    assert CAMERA.agrees(replace(CAMERA, offset_s=0.141, uncertainty_s=0.02))
    assert not CAMERA.agrees(replace(CAMERA, reference="/imu/rear"))


def test_an_event_has_the_figures_in_milliseconds() -> None:
    assert CAMERA.score == 12
    assert CAMERA.evidence == {"offset_ms": 120.0, "uncertainty_ms": 10.0, "correlation": 0.4}


def test_an_offset_is_a_certain_lag_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.offset.lag", lambda first, second, contrast: CERTAIN)
    found = offset("/camera", told(5), "/imu", told(5))
    assert found
    assert found.offset_s == pytest.approx(0.12)
    assert found.uncertainty_s == pytest.approx(2 * np.hypot(0.003, 0.004))
    assert found.correlation == 0.5


@pytest.mark.parametrize(
    "found",
    [None, CERTAIN._replace(deviation=VAGUE_S / 2 * NS / BIN)],
    ids=["none", "vague"],
)
def test_an_uncertain_lag_is_no_offset(found: Lag | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.offset.lag", lambda first, second, contrast: found)
    assert offset("/camera", told(5), "/imu", told(5)) is None


def test_curves_of_different_times_have_no_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.offset.lag", lambda first, second, contrast: CERTAIN)
    assert offset("/camera", told(5), "/imu", told(6)) is None
