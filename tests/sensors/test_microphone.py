"""The microphone driver on real WAV files, and on what a sound driver calls it with."""

import logging
import time
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import wavfile

import sensors.microphone
from pipeline.messages import NS, Array, Sensor
from sensors.microphone import Inbox, Microphone, first_stamp

DRIVER: Any = vars(sensors.microphone)["sounddevice"]
MONO = np.random.default_rng(5).integers(-32768, 32767, 1900).astype(np.int16)


def wav(folder: Path, sound: Array, sample_rate_hz: int = 16000) -> str:
    path = folder / "sound.wav"
    wavfile.write(path, sample_rate_hz, sound)
    return str(path)


def test_microphone_is_a_sensor() -> None:
    assert isinstance(Microphone(), Sensor)


def test_a_file_comes_in_chunks_and_ends_with_what_is_left(tmp_path: Path) -> None:
    samples = list(Microphone(topic="/mic", file=wav(tmp_path, MONO), frame_id="mast"))
    assert [len(sample.data) for sample in samples] == [320] * 5 + [300]
    assert_array_equal(np.concatenate([sample.data for sample in samples]), MONO)
    assert samples[0].data.dtype == np.int16
    assert [sample.seq for sample in samples] == list(range(6))
    assert {(sample.topic, sample.frame_id) for sample in samples} == {("/mic", "mast")}


def test_stamps_are_those_of_the_first_samples_and_chunks_come_when_complete(tmp_path: Path) -> None:
    before = time.time_ns()
    arrivals = [(sample.stamp, time.time_ns()) for sample in Microphone(file=wav(tmp_path, MONO))]
    stamps = [stamp for stamp, _ in arrivals]
    assert set(np.diff(stamps)) == {NS // 50}
    assert 0 <= stamps[0] - before < NS // 5
    assert all(arrival - stamp >= NS // 50 for stamp, arrival in arrivals[:5])


def test_a_loop_goes_on_without_a_seam(tmp_path: Path) -> None:
    samples = list(islice(Microphone(file=wav(tmp_path, MONO[:700]), loop=True), 6))
    assert [len(sample.data) for sample in samples] == [320, 320, 60] * 2
    spans = [round(len(sample.data) * NS / 16000) for sample in samples]
    assert_array_equal(np.diff([sample.stamp for sample in samples]), spans[:-1])


def test_stereo_keeps_both_channels(tmp_path: Path) -> None:
    stereo = MONO.reshape(-1, 2)
    samples = list(Microphone(file=wav(tmp_path, stereo), channels=2))
    assert samples[0].data.shape == (320, 2)
    assert_array_equal(np.concatenate([sample.data for sample in samples]), stereo)


@pytest.mark.parametrize(
    ("stored", "heard"),
    [
        (np.array([0, 128, 255], np.uint8), [-1, 0, 127 / 128]),
        (np.array([-(2**31), 0, 2**30], np.int32), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.25], np.float32), [-1, 0, 0.25]),
    ],
)
def test_other_formats_become_floats_in_range(tmp_path: Path, stored: Array, heard: list[float]) -> None:
    (sample,) = Microphone(file=wav(tmp_path, stored))
    assert sample.data.dtype == np.float32
    assert_allclose(sample.data, heard)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sample_rate_hz": 8000}, "has 16000 samples a second and 1 channels, not 8000 and 1"),
        ({"channels": 2}, "has 16000 samples a second and 1 channels, not 16000 and 2"),
    ],
)
def test_a_file_that_is_not_as_said_is_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(Microphone(file=wav(tmp_path, MONO), **given))


def test_what_is_no_wav_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "no.wav").write_bytes(b"no sound")
    with pytest.raises(ValueError, match=r"no\.wav is no WAV file"):
        list(Microphone(file=str(tmp_path / "no.wav")))
    with pytest.raises(OSError, match=r"absent\.wav"):
        list(Microphone(file=str(tmp_path / "absent.wav")))
    with pytest.raises(ValueError, match="holds no sound"):
        list(Microphone(file=wav(tmp_path, MONO[:0]), loop=True))


@pytest.mark.parametrize("given", [{"channels": 0}, {"rate_hz": 0.0}, {"rate_hz": 20000.0}])
def test_impossible_parameters_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        Microphone(**given)


BUFFER = np.zeros((320, 1), np.int16)


def call(inbox: Inbox, adc_s: float, current_s: float, overflow: bool = False, value: int = 0) -> None:
    """Call as PortAudio does: always with the same buffer."""
    BUFFER[:] = value
    times = SimpleNamespace(inputBufferAdcTime=adc_s, currentTime=current_s)
    inbox.put(BUFFER, 320, times, SimpleNamespace(input_overflow=overflow))


def test_chunks_are_stamped_by_the_converters_clock_and_copied() -> None:
    inbox = Inbox(Microphone())
    call(inbox, adc_s=99.965, current_s=100.0, value=7)
    now = time.time_ns()
    call(inbox, adc_s=99.985, current_s=100.0, value=8)
    seq, stamp, chunk = inbox.queue.get_nowait()
    assert seq == 0
    assert abs(now - 35_000_000 - stamp) < 20_000_000
    assert set(chunk.flat) == {7}


def test_stamps_rise_even_where_the_clock_is_set_back() -> None:
    assert first_stamp(9.98, 10.0, 5 * NS, NS // 50, previous=6 * NS) == 6 * NS + 1
    stamps = [first_stamp(0.0, 0.0, now, 20, previous=0) for now in (1000, 2000)]
    assert stamps == [980, 1980]


def test_lost_sound_is_counted_told_and_misses_in_seq(caplog: pytest.LogCaptureFixture) -> None:
    microphone = Microphone(topic="/mic")
    inbox = Inbox(microphone)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            call(inbox, 0, 0)
        assert microphone.overflows == 0
        for _ in range(4):  # the reader sleeps for longer than 2 s
            call(inbox, 0, 0)
        assert microphone.overflows == 4
        seqs = [inbox.queue.get_nowait()[0] for _ in range(100)]
        call(inbox, 0, 0, overflow=True)  # the driver itself lost some
    assert [*seqs, inbox.queue.get_nowait()[0]] == [*range(100), 104]
    assert microphone.overflows == 5
    assert [record.getMessage().split(",")[1].split(" so")[0] for record in caplog.records] == [
        " 1 times",
        " 2 times",
        " 4 times",
    ]


def test_without_portaudio_the_module_imports_and_says_what_to_install() -> None:
    if DRIVER is not None:
        pytest.skip("this host has PortAudio")
    with pytest.raises(OSError, match=r"PortAudio library not found; install it \(Debian and Ubuntu: libportaudio2"):
        next(iter(Microphone()))


def test_a_device_that_is_absent_is_told_with_those_present() -> None:
    if DRIVER is None:
        pytest.skip("this host has no PortAudio")
    with pytest.raises(OSError, match=r"microphone 'no such thing' cannot be opened .*; present are "):
        next(iter(Microphone(device="no such thing")))


def test_a_local_microphone_gives_sound() -> None:
    if DRIVER is None or not any(device["max_input_channels"] for device in DRIVER.query_devices()):
        pytest.skip("this host has no microphone, or no PortAudio")
    samples = list(islice(Microphone(), 5))
    assert {sample.data.shape for sample in samples} == {(320,)}
    assert min(np.diff([sample.stamp for sample in samples])) > 0
