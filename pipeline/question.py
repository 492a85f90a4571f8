"""What time is it there? A question to all senders and their answers, as frames, and which answers are believed. Pure.

Once a second the ingest asks all that are connected, by one frame that goes against the samples' way: it binds an XSUB,
and what that sends reaches every XPUB; a PUB never sees it. Who can answer does so like any sample,
``[time][msgpack map][empty]``, best on a socket of its own, where no picture is ahead of it. Who does not is not
missed.

========  ==================  ===========================================================================
of        key                 meaning, integer nanoseconds but ``version`` and ``session``
========  ==================  ===========================================================================
both      version             1
both      asked_ns            when the ingest asked, by its clock; an answer repeats it
answer    session             as in the headers of the sender's samples; random, so that no other can answer
answer    heard_ns            when the sender had the question, by the clock of its capture stamps
answer    sent_ns             when it answered, by the same clock
========  ==================  ===========================================================================

An answer is rejected, in the ledger's words, as "answer" where it cannot be read, as "answer session" from nobody whose
samples came lately, as "answer late" after the next question, as "answer twice", and as "answer time" where its four
times cannot be.
"""

from collections.abc import Collection, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pipeline.errors import WireError
from pipeline.exchange import Exchange
from pipeline.wire import MAX_HEADER_BYTES, VERSION, Buffer, Natural

ANSWERS = b"time"
"""The first frame of an answer; no channel's topic, since those begin with a slash."""


class Question(Struct, frozen=True, kw_only=True):
    """What the ingest asks all senders."""

    version: int
    asked_ns: Natural


class Reply(Struct, frozen=True, kw_only=True):
    """What one sender says."""

    version: int
    session: Annotated[str, Meta(min_length=1, max_length=64)]
    asked_ns: Natural
    heard_ns: Natural
    sent_ns: Natural


_encoder = msgspec.msgpack.Encoder()
_question_decoder = msgspec.msgpack.Decoder(Question)
_reply_decoder = msgspec.msgpack.Decoder(Reply)


def read_question(frame: Buffer) -> Question | None:
    """Return the question in ``frame``, or None for whatever else an XPUB hears."""
    try:
        question = _question_decoder.decode(frame)
    except msgspec.DecodeError:
        return None
    return question if question.version == VERSION else None


def answer_frames(question: Question, session: str, heard_ns: int, sent_ns: int) -> list[Buffer]:
    """Return the three frames of the answer to ``question``."""
    reply = Reply(version=VERSION, session=session, asked_ns=question.asked_ns, heard_ns=heard_ns, sent_ns=sent_ns)
    return [ANSWERS, _encoder.encode(reply), b""]


class Questions:
    """Asks, and takes one answer of each session until it asks again.

    >>> questions = Questions()
    >>> question = read_question(questions.ask(1000))
    >>> questions.hear(answer_frames(question, "abc", 7050, 7060), 1110, {"abc"})
    Exchange(session='abc', t1=1000, t2=7050, t3=7060, t4=1110)
    """

    def __init__(self) -> None:
        self._asked: int | None = None
        self._answered: set[str] = set()

    def ask(self, now: int) -> bytes:
        """Return the frame of a new question; answers to the last one are late from here on."""
        self._asked = now
        self._answered.clear()
        return _encoder.encode(Question(version=VERSION, asked_ns=now))

    def hear(self, frames: Sequence[Buffer], now: int, sessions: Collection[str]) -> Exchange:
        """Return what an answer that came ``now`` completes; ``sessions`` are those that send samples.

        Raise WireError with one of the causes above.
        """
        reply = _read_reply(frames)
        exchange = Exchange(session=reply.session, t1=reply.asked_ns, t2=reply.heard_ns, t3=reply.sent_ns, t4=now)
        if reply.session not in sessions:
            raise WireError("answer session", f"{reply.session!r} sends no samples")
        if reply.asked_ns != self._asked:
            raise WireError("answer late", f"{reply.asked_ns} is not when the last question was asked")
        if reply.session in self._answered:
            raise WireError("answer twice", f"{reply.session!r} has answered already")
        if not exchange.is_possible:
            raise WireError("answer time", f"{exchange} ends before it begins")
        self._answered.add(reply.session)
        return exchange


def _read_reply(frames: Sequence[Buffer]) -> Reply:
    if len(frames) != 3 or len(frames[1]) > MAX_HEADER_BYTES or len(frames[2]):
        raise WireError("answer", f"{len(frames)} frames, of {[len(frame) for frame in frames[:3]]} bytes")
    try:
        reply = _reply_decoder.decode(frames[1])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WireError("answer", str(error)) from error
    if reply.version != VERSION:
        raise WireError("answer", f"version {reply.version}, this is {VERSION}")
    return reply
