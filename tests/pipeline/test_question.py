"""What time is it there? Only the one asked can answer, in time, once, and with times that can be."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import numpy as np
import pytest

from pipeline.errors import WireError
from pipeline.exchange import Exchange
from pipeline.question import ANSWERS, Questions, answer_frames, read_question
from pipeline.wire import Buffer

ASKED, NOW = 1_000_000, 1_900_000
FIELDS = {"version": 1, "session": "abc", "asked_ns": ASKED, "heard_ns": 77, "sent_ns": 78}


def asked() -> Questions:
    questions = Questions()
    questions.ask(ASKED)
    return questions


def frames(**fields: object) -> list[Buffer]:
    """An answer that is right but for ``fields``."""
    return [ANSWERS, msgspec.msgpack.encode(FIELDS | fields), b""]


def refused(questions: Questions, answer: Sequence[Buffer], now: int = NOW) -> str:
    with pytest.raises(WireError) as error:
        questions.hear(answer, now, {"abc", "other"})
    return error.value.cause


def test_an_answer_completes_an_exchange() -> None:
    questions = Questions()
    question = read_question(questions.ask(ASKED))
    assert question is not None
    for session in ("abc", "other"):
        exchange = questions.hear(answer_frames(question, session, 5, 9), NOW, {"abc", "other"})
        assert exchange == Exchange(session=session, t1=ASKED, t2=5, t3=9, t4=NOW)
        assert exchange.received == NOW


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (frames()[:2], "answer"),
        ([*frames(), b""], "answer"),
        ([*frames()[:2], b"payload"], "answer"),
        ([ANSWERS, b"", b""], "answer"),
        ([ANSWERS, b"no map", b""], "answer"),
        (frames(more="x" * 1024), "answer"),
        (frames(version=2), "answer"),
        (frames(session=""), "answer"),
        (frames(session="x" * 65), "answer"),
        (frames(session=None), "answer"),
        (frames(heard_ns=-1), "answer"),
        (frames(sent_ns=2**63), "answer"),
        (frames(sent_ns=78.5), "answer"),
        (frames(session="stranger"), "answer session"),
        (frames(asked_ns=ASKED - 1), "answer late"),
        (frames(sent_ns=76), "answer time"),
        (frames(sent_ns=77 + NOW - ASKED + 1), "answer time"),
    ],
)
def test_what_is_no_answer_is_refused_by_cause_and_the_right_one_is_still_taken(
    answer: list[Buffer], cause: str
) -> None:
    questions = asked()
    assert refused(questions, answer) == cause
    assert questions.hear(frames(), NOW, {"abc"}).t2 == 77


def test_one_answer_is_taken_of_each_question() -> None:
    questions = asked()
    questions.hear(frames(), NOW, {"abc"})
    assert refused(questions, frames()) == "answer twice"
    assert questions.hear(frames(session="other"), NOW, {"abc", "other"}).session == "other"
    questions.ask(ASKED + 5)
    assert refused(questions, frames()) == "answer late"
    assert questions.hear(frames(asked_ns=ASKED + 5), NOW, {"abc"}).t1 == ASKED + 5


def test_nobody_is_believed_before_a_question() -> None:
    assert refused(Questions(), frames(asked_ns=0)) == "answer late"


def test_an_answer_that_comes_before_its_question_by_the_clock_is_refused() -> None:
    assert refused(asked(), frames(), now=ASKED - 1) == "answer time"


def test_random_bytes_are_neither_question_nor_answer() -> None:
    rng = np.random.default_rng(3)
    whole = bytes(frames()[1])
    for number in range(3000):
        broken = bytearray(whole)
        broken[rng.integers(len(broken))] ^= 1 << int(rng.integers(8))
        junk = rng.bytes(int(rng.integers(80)))
        assert refused(asked(), [ANSWERS, junk, b""]) == "answer", number
        with suppress(WireError):
            assert asked().hear([ANSWERS, bytes(broken), b""], NOW, {"abc"}).t1 == ASKED
        assert read_question(junk) is None


@pytest.mark.parametrize(
    "of",
    [
        lambda whole: whole[:-1],
        lambda whole: b"\x01" + whole,
        lambda whole: msgspec.msgpack.encode({"version": 2, "asked_ns": 5}),
        lambda whole: b"\x01",
        lambda whole: b"",
    ],
)
def test_what_else_an_xpub_hears_is_no_question(of: Callable[[bytes], bytes]) -> None:
    whole = Questions().ask(5)
    assert read_question(whole) is not None
    assert read_question(of(whole)) is None
