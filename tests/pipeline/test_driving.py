"""A replay's buttons, pressed from elsewhere."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from rigs import recording, rig_file

from pipeline.commands.assembly import again, assemble
from pipeline.commands.playing import Playing, play
from pipeline.config import Security
from pipeline.control import Drive, ListLabels, ask
from pipeline.driving import Driver
from pipeline.messages import NS
from pipeline.transport import Transport


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Playing:
    folder = tmp_path_factory.mktemp("log")
    return Playing([recording(folder / "walk.mcap", 5.0)], rig_file(folder))


@pytest.fixture
def transport() -> Transport:
    return Transport(is_paused=True, is_staying=True)


@pytest.fixture
def driver(playing: Playing, transport: Transport) -> Iterator[Driver]:
    with closing(Driver("tcp://127.0.0.1:*", transport, playing.start, playing.end)) as driver:
        yield driver


def pressed(driver: Driver, **drive: object) -> bool:
    return ask(driver.address, Security(), Drive(**drive)).is_done  # type: ignore[arg-type]


async def passes(playing: Playing, transport: Transport, seen: list[int]) -> None:
    """Play until it is stopped, and note the end of each window."""
    line = assemble(playing.rig, [], recorded=playing.recorded())
    await line.engine.start(playing.rig.channels)
    while True:
        async for observation in play(line, playing, transport):
            seen.append(observation.window.end)
        if not await transport.goes_on():
            break
        line = again(line)
    await line.close()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_page_steps_seeks_plays_to_the_end_and_again(playing: Playing, transport: Transport, driver: Driver) -> None:
    seen: list[int] = []

    def press() -> None:
        assert driver.place().is_paused
        assert pressed(driver, action="step")
        until(lambda: len(seen) == 1)
        assert pressed(driver, action="seek", stamp=playing.start + 3 * NS)
        until(lambda: driver.place().position > playing.start + 3 * NS)
        assert driver.place().is_paused
        assert pressed(driver, action="play")
        until(lambda: driver.place().is_paused)
        first_pass = len(seen)
        assert pressed(driver, action="play")
        until(lambda: len(seen) > first_pass and driver.place().is_paused)
        transport.stop()

    async def both() -> None:
        await asyncio.gather(passes(playing, transport, seen), asyncio.to_thread(press))

    asyncio.run(both())
    assert seen[0] < playing.start + 3 * NS
    assert seen[-1] == max(seen)
    assert seen.count(seen[0]) == 2


def test_it_tells_where_it_is(playing: Playing, driver: Driver) -> None:
    place = driver.place()
    assert (place.start, place.end, place.position) == (playing.start, playing.end, playing.start)
    assert (place.rate, place.is_looping) == (0, False)
    assert pressed(driver, action="rate", rate=2)
    assert pressed(driver, action="loop")
    assert (driver.place().rate, driver.place().is_looping) == (2, True)
    assert pressed(driver, action="rate")
    assert driver.place().rate == 0


def test_what_cannot_be_done_is_said(driver: Driver) -> None:
    reply = ask(driver.address, Security(), Drive(action="rate", rate=-1))
    assert (reply.is_done, reply.text) == (False, "a replay's rate of -1.0 is not above 0")
    reply = ask(driver.address, Security(), ListLabels())
    assert not reply.is_done
    assert "this is a replay" in reply.text
