"""Clips that overlap, read once."""

from collections.abc import Sequence

import numpy as np
from makers import sample

from operators.signals.motion import read_motion
from operators.signals.tape import Tape
from pipeline.messages import Array, Sample

SAMPLES = tuple(sample(at_s=number / 100, seq=number, data=np.full(6, float(number))) for number in range(40))
THREE_AXES = tuple(sample(at_s=number / 100, seq=number, data=np.full(3, float(number))) for number in range(40))


class Reader:
    """Reads what it is given, and remembers how much that was."""

    def __init__(self) -> None:
        self.num_read = 0

    def __call__(self, samples: Sequence[Sample]) -> tuple[Array, list[int]]:
        self.num_read += len(samples)
        return read_motion(samples)


def played(*clips: tuple[Sample, ...]) -> tuple[Tape, Reader]:
    """A tape of all ``clips``, each of which it tells as if it were the first."""
    reader = Reader()
    tape = Tape(reader)
    for clip in clips:
        np.testing.assert_array_equal(tape.play(clip), read_motion(clip)[0])
    return tape, reader


def test_what_the_clip_before_had_is_not_read_again() -> None:
    tape, reader = played(SAMPLES[:20], SAMPLES[5:26], SAMPLES[12:26], SAMPLES[13:40])
    assert reader.num_read == 40
    assert tape.num_new == 14


def test_a_clip_that_is_not_the_next_one_is_all_new() -> None:
    for other in (SAMPLES[:10], SAMPLES[15:18] + SAMPLES[20:30], tuple(SAMPLES[number] for number in (9, 3, 18, 2))):
        tape, _ = played(SAMPLES[5:20], other)
        assert tape.num_new == len(other)


def test_the_same_clip_again_has_nothing_new() -> None:
    tape, reader = played(SAMPLES[:20], SAMPLES[:20])
    assert (tape.num_new, reader.num_read) == (0, 20)


def test_rows_of_another_shape_leave_out_those_before() -> None:
    played(SAMPLES[:20], SAMPLES[5:20] + THREE_AXES[20:25], SAMPLES[10:20] + THREE_AXES[20:30], THREE_AXES[20:35])
    played(SAMPLES[:10] + THREE_AXES[10:15] + SAMPLES[15:20], SAMPLES[12:20], THREE_AXES[12:14] + SAMPLES[14:22])
