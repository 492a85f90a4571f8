"""Batches that wait for one encoder are computed as one, as far as that changes nothing."""

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from fakes import Counting

from pipeline.engine import BackendError, Local
from pipeline.messages import Array, Encoder


class Held(Counting):
    """Counts its calls' rows, and begins to answer when all are waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []
        self.may_begin = threading.Event()

    def embed(self, batch: Array) -> Array:
        self.may_begin.wait(5)
        self.rows.append(len(batch))
        vectors: Array = super().embed(batch)
        return vectors


class Rowwise(Held):
    """May be given ``most`` rows at once."""

    def __init__(self, most: int = 4) -> None:
        super().__init__()
        self.most = most

    def rows_at_once(self) -> int:
        return self.most


class Choosy(Rowwise):
    """Cannot take a row of 13."""

    def embed(self, batch: Array) -> Array:
        vectors = super().embed(batch)
        if 13 in batch:
            raise RuntimeError("a 13")
        return vectors


def asked(encoder: Held, batches: Sequence[Sequence[float]], in_batches: bool = True) -> list[Array | BaseException]:
    """Return the answers to a first batch, which lets all others wait, and then to these."""

    async def session() -> list[Array | BaseException]:
        encoders: dict[str, Encoder] = {"imu": encoder}
        local = Local(encoders, in_batches)
        waiting = [asyncio.create_task(local.embed("imu", _rows(batch))) for batch in ([1.0], *batches)]
        await asyncio.sleep(0.05)
        encoder.may_begin.set()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        await local.close()
        return list(answers)

    return asyncio.run(session())[1:]


def _rows(batch: Sequence[float]) -> Array:
    return np.array(batch, np.float32)[:, np.newaxis]


@pytest.mark.parametrize(
    ("batches", "rows"),
    [
        ([[2], [3]], [1, 2]),
        ([[2], [3], [4], [5], [6]], [1, 4, 1]),
        ([[2, 3], [4, 5], [6, 7]], [1, 4, 2]),
        ([[2, 3, 4], [5, 6]], [1, 3, 2]),
        ([[2, 3, 4, 5, 6], [7]], [1, 5, 1]),
    ],
)
def test_as_many_as_may_be_are_computed_together(batches: list[list[float]], rows: list[int]) -> None:
    encoder = Rowwise()
    answers = asked(encoder, batches)
    assert encoder.rows == rows
    for batch, answer in zip(batches, answers, strict=True):
        np.testing.assert_array_equal(answer, Counting().embed(_rows(batch)))


@pytest.mark.parametrize("encoder", [Held(), Rowwise(most=1)], ids=["says nothing", "says one"])
def test_others_are_computed_one_by_one(encoder: Held) -> None:
    assert len(asked(encoder, [[2], [3], [4]])) == 3
    assert encoder.rows == [1, 1, 1, 1]


def test_a_live_line_encodes_window_by_window() -> None:
    encoder = Rowwise()
    assert len(asked(encoder, [[2], [3], [4]], in_batches=False)) == 3
    assert encoder.rows == [1, 1, 1, 1]


def test_one_that_fails_takes_nobody_with_it() -> None:
    encoder = Choosy()
    first, broken, last = asked(encoder, [[2], [13], [4]])
    assert isinstance(broken, BackendError)
    assert str(broken) == "RuntimeError: a 13"
    for number, answer in ((2, first), (4, last)):
        np.testing.assert_array_equal(answer, Counting().embed(_rows([number])))


def test_what_nobody_waits_for_any_more_is_not_computed() -> None:
    async def session() -> None:
        encoder = Rowwise()
        encoders: dict[str, Encoder] = {"imu": encoder}
        local = Local(encoders, in_batches=True)
        first, late, last = (asyncio.create_task(local.embed("imu", _rows([number]))) for number in (1, 2, 3))
        await asyncio.sleep(0.05)
        late.cancel()
        await asyncio.sleep(0)
        encoder.may_begin.set()
        await asyncio.gather(first, last)
        assert encoder.rows == [1, 1]
        await local.close()

    asyncio.run(session())
