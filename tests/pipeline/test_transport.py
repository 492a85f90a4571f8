"""A replay obeys its buttons, and what comes out of a pass does not depend on them."""

import asyncio
from threading import Thread

import pytest
from makers import IMU, RIG, T0, received, stream, streams
from test_run import line_of

from pipeline.line import Line
from pipeline.messages import NS
from pipeline.run import paced, run
from pipeline.transport import Transport

SAMPLES = received(streams(RIG, 0, 6))


async def one_pass(transport: Transport, line: Line) -> list[int]:
    """The ends of the windows that are shown, in half seconds after T0."""
    start, shown = transport.begin(), []
    steps = (one for one in SAMPLES if start <= one.received < transport.end)
    async for observation in run(paced(steps, line, None, transport), line):
        shown.append((observation.window.end - T0) * 2 // NS)
        await transport.shown()
    return shown


def test_one_step_shows_one_window() -> None:
    transport = Transport(is_paused=True)
    line, _ = line_of(RIG)

    async def session() -> list[int]:
        seen = []
        passing = asyncio.create_task(one_pass(transport, line))
        for number in range(1, 4):
            await asyncio.sleep(0.1)  # time enough for more, were it not held
            seen.append(line.windows)
            transport.step()
            while line.windows < number:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        seen.append(line.windows)
        transport.play()
        assert await passing == list(range(1, 13))
        return seen

    assert asyncio.run(asyncio.wait_for(session(), 30)) == [0, 1, 2, 3]


def test_a_replay_that_was_stopped_and_hurried_is_the_same() -> None:
    plain, played = line_of(RIG)[0], line_of(RIG)[0]
    asyncio.run(one_pass(Transport(), plain))
    transport = Transport(rate=20.0)

    async def session() -> None:
        passing = asyncio.create_task(one_pass(transport, played))
        while played.windows < 2:
            await asyncio.sleep(0.01)
        transport.pause()
        await asyncio.sleep(0.05)
        held = transport.position
        await asyncio.sleep(0.1)
        assert transport.position == held
        transport.rate = 40.0
        transport.play()
        while played.windows < 4:
            await asyncio.sleep(0.01)
        transport.rate = None
        await passing

    asyncio.run(asyncio.wait_for(session(), 30))
    assert played.digest.hex() == plain.digest.hex()


def test_seeking_ends_the_pass_and_the_next_begins_there() -> None:
    transport = Transport(rate=1.0, start=T0, end=T0 + 6 * NS)

    async def session() -> tuple[list[int], list[int], bool]:
        thread = Thread(target=transport.seek, args=(T0 + 3 * NS,))
        passing = asyncio.create_task(one_pass(transport, line_of(RIG)[0]))
        await asyncio.sleep(0.05)
        thread.start()
        first = await passing
        assert await transport.goes_on()
        transport.rate = None
        return first, await one_pass(transport, line_of(RIG)[0]), await transport.goes_on()

    first, second, goes_on = asyncio.run(asyncio.wait_for(session(), 30))
    assert len(first) <= 1  # 50 ms were let through
    assert second == list(range(7, 13))
    assert not goes_on


@pytest.mark.parametrize(("sought_s", "found_s"), [(-5, 2), (3, 3), (99, 4)])
def test_no_place_lies_outside_the_log(sought_s: int, found_s: int) -> None:
    transport = Transport(start=2 * NS, end=4 * NS)
    transport.seek(sought_s * NS)
    assert transport.begin() == min(found_s * NS, 4 * NS - 1)
    assert transport.begin() == 2 * NS  # a place is sought once


def test_a_loop_repeats_itself_until_it_is_stopped() -> None:
    transport = Transport(is_looping=True)

    async def session() -> list[dict[str, str]]:
        digests = []
        while True:
            line, _ = line_of(RIG)
            await one_pass(transport, line)
            digests.append(line.digest.hex())
            if len(digests) == 3:
                transport.stop()
            if not await transport.goes_on():
                return digests

    first, *others = asyncio.run(asyncio.wait_for(session(), 30))
    assert others == [first, first]


def test_one_that_stays_waits_at_the_end_for_what_is_pressed() -> None:
    transport = Transport(is_staying=True)

    async def session() -> tuple[bool, bool]:
        waiting = asyncio.create_task(transport.goes_on())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        transport.seek(T0)
        sought = await waiting
        transport.stop()
        return sought, await transport.goes_on()

    assert asyncio.run(asyncio.wait_for(session(), 30)) == (True, False)


def test_a_stopped_replay_lets_nothing_through() -> None:
    transport = Transport()
    transport.stop()
    line, _ = line_of([IMU])
    steps = received(list(stream(IMU, 0, 3)))
    asyncio.run(_all(run(paced(steps, line, None, transport), line)))
    assert line.windows == line.ledger.row(IMU.topic)["received"] == 0


async def _all(observations: object) -> None:
    async for _ in observations:  # type: ignore[attr-defined]
        pass


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_goes_nowhere_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"rate of {rate} is not above 0"):
        Transport(rate=rate)
    transport = Transport(rate=2.0)
    with pytest.raises(ValueError, match="is not above 0"):
        transport.rate = rate
    assert transport.rate == 2.0
