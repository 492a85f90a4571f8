from msgspec.structs import replace

from operators.offset import Offset

CAMERA = Offset(topic="/camera", reference="/imu", offset_s=0.12, uncertainty_s=0.01, correlation=0.4)


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
