"""A rig file is checked whole: every mistake, each with its place."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Channel, load, parse
from pipeline.errors import ConfigError

IMU = {"topic": "/imu", "modality": "imu", "rate_hz": 200}


def mistakes(raw: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse(raw, "rig.toml")
    return caught.value.mistakes


def test_an_empty_file_is_a_rig_of_defaults() -> None:
    config = parse({})
    assert config.window.length_s == 2.0
    assert config.model.engine == "serve"


def test_files_hold_differences() -> None:
    config = parse({"window": {"stride_s": 1}, "channels": [IMU]})
    assert config.window.stride_s == 1.0
    assert config.window.length_s == 2.0
    assert config.channels == [Channel("/imu", "imu", 200.0)]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"windows": {}}, "rig.toml: windows: unknown key; did you mean `window`?"),
        ({"window": {"lenght_s": 1}}, "rig.toml: window.lenght_s: unknown key; did you mean `length_s`?"),
        ({"window": {"length_s": "2"}}, "rig.toml: window.length_s: Expected `float`, got `str`: '2'"),
        ({"window": {"length_s": 0}}, "rig.toml: window.length_s: Expected `float` > 0.0: 0"),
        (
            {"window": {"length_s": 1, "stride_s": 2}},
            "rig.toml: window.stride_s: 2.0 exceeds length_s 1.0: samples between would be lost",
        ),
        (
            {"window": {"context_s": {"imu": 0.1}}},
            "rig.toml: window.context_s.imu: 0.1 is less than stride_s 0.5, and not 0",
        ),
        (
            {"channels": [IMU | {"context_s": 0.2}]},
            "rig.toml: channels[0].context_s: 0.2 is less than stride_s 0.5, and not 0",
        ),
        ({"channels": [{"topic": "/imu", "rate_hz": 9}]}, "rig.toml: channels[0].modality: missing"),
        (
            {"channels": [IMU | {"modality": "smell"}]},
            "rig.toml: channels[0].modality: 'smell': known are vision, audio, depth, thermal, imu; "
            "one of your own needs its encoder in model.encoders.smell",
        ),
        (
            {"channels": [IMU | {"topic": "imu"}]},
            "rig.toml: channels[0].topic: Expected `str` matching regex '^/[A-Za-z0-9_/.-]+$': 'imu'",
        ),
        (
            {"channels": [IMU | {"topic": "/rigbind/imu"}]},
            "rig.toml: channels[0].topic: '/rigbind/imu': what begins with /rigbind/ is a recording's own",
        ),
        ({"channels": [IMU, IMU]}, "rig.toml: channels[1].topic: '/imu' is already channels[0]"),
        (
            {"channels": [IMU | {"modality": "audio"}]},
            "rig.toml: channels[0].calibration.sample_rate_hz: audio needs one, '/imu' has none",
        ),
        ({"operators": [{"params": {}}]}, "rig.toml: operators[0].use: missing"),
        ({"operators": {"use": "x:Y"}}, "rig.toml: operators: Expected `array`, got `object`: {'use': 'x:Y'}"),
        ({"model": {"engine": "cloud"}}, "rig.toml: model.engine: Invalid enum value 'cloud': 'cloud'"),
    ],
)
def test_a_mistake_is_told_with_its_place(raw: dict[str, Any], told: str) -> None:
    assert mistakes(raw) == (told,)


def test_all_mistakes_are_told_at_once() -> None:
    raw = {
        "windw": {},
        "window": {"length_s": -1, "stride": 1},
        "channels": [IMU | {"rate_hz": 0}, IMU | {"topic": "/b", "rate": 1}],
    }
    places = [mistake.split(": ")[1] for mistake in mistakes(raw)]
    assert places == ["windw", "window.length_s", "window.stride", "channels[0].rate_hz", "channels[1].rate"]


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("[window\n")
    with pytest.raises(ConfigError, match=r"rig\.toml: .*line 1"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        load(tmp_path / "nothing.toml")
