"""Commands have their place among the windows, live and in the replay of the run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from lines import CONFIG, THIS, line_of, moved
from makers import IMU, T0, received, streams

from pipeline.control import ListLabels, Question, Reply, Request
from pipeline.line import Step
from pipeline.logs.recorded import Recorded
from pipeline.logs.recorder import Recorder
from pipeline.messages import NS, DropLabel, Event, Mark, Restore, SetLabel
from pipeline.run import run


def asked(*questions: Question | Restore, at: int = 700) -> tuple[list[Step], list[Reply]]:
    """Eight seconds of an IMU with the questions after so many samples, and what was answered."""
    steps: list[Step] = list(received(streams([IMU], 0, 8)))
    replies: list[Reply] = []
    steps[at:at] = [Request(question, T0 + NS, replies.append) for question in questions]
    return steps, replies


def test_a_label_holds_from_its_place_on_until_it_is_dropped_at_its_place() -> None:
    steps, replies = asked(SetLabel(label="shaking", examples=(THIS,)))
    steps.insert(1101, Request(DropLabel(label="shaking"), T0, replies.append))
    events = moved(line_of(), steps)
    said = [(event.phase, event.label) for event in events if event.phase != "updated"]
    assert said == [("opened", "shaking"), ("closed", "shaking")]
    assert events[0].end == T0 + 3_500_000_000  # the first window that closed after sample 700, at 3.5 s
    assert events[-1].end == T0 + 5_000_000_000  # the last one that closed before sample 1100, at 5.5 s
    assert [(reply.is_done, reply.version) for reply in replies] == [(True, 1), (True, 2)]
    assert replies[0].text == "'shaking' is looked for"
    assert replies[0].model == "counting"
    assert [[one.label for one in reply.labels] for reply in replies] == [["fire", "shaking"], ["fire"]]


def test_what_cannot_be_done_is_said_and_changes_nothing() -> None:
    questions: list[tuple[Question | Restore, str]] = [
        (SetLabel(label="x"), "label 'x' has no sentence and no example"),
        (DropLabel(label="x"), "nothing is looked for under the name 'x'"),
        (Mark(event="x@1", right=True), "there was no event 'x@1'"),
        (Restore(operator=9, state=b""), "there is no operator 9"),
        (Restore(operator=0, state=b""), "Forgetful remembers nothing"),
        (Restore(operator=1, state=b"no"), "no state"),
    ]
    steps, replies = asked(*(question for question, _ in questions))
    line = line_of()
    assert not moved(line, steps)
    for reply, (_, said) in zip(replies, questions, strict=True):
        assert not reply.is_done
        assert said in reply.text
    assert line.steering.version == 0


def test_marks_of_what_learns_nothing_are_noted() -> None:
    line = line_of()
    line.emit(Event(id="anomaly@1", phase="opened", start=1, end=2, label="anomaly", score=1.0, source="anomaly"))
    steps, replies = asked(Mark(event="anomaly@1", right=True))
    moved(line, steps)
    assert (replies[0].is_done, replies[0].text) == (True, "anomaly@1 is noted as right; nothing learns from it")


def test_a_list_of_labels_changes_nothing() -> None:
    line = line_of()
    steps, replies = asked(ListLabels())
    moved(line, steps)
    assert replies[0].is_done
    assert [one.prompts for one in replies[0].labels] == [("a fire",)]
    assert line.steering.version == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_a_replay_repeats_commands_where_they_came(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = received(streams([IMU], 0, 8))
    batches: list[list[Step]] = [list(source[at : at + 10]) for at in range(0, len(source), 10)]
    commands: list[Question] = [
        SetLabel(label="shaking", examples=(THIS,)),
        Mark(event="never", right=True),
        ListLabels(),
        SetLabel(label="more", examples=(THIS,), threshold=0.6),
        DropLabel(label="shaking"),
    ]
    for command, place in zip(commands, [60, *sorted(rng.integers(61, len(batches), 4))], strict=True):
        batches[int(place)].append(Request(command, T0))
    clock = [T0]

    async def live() -> AsyncIterator[list[Step]]:
        for number, batch in enumerate(batches):
            clock[0] = T0 + number * NS // 20
            await asyncio.sleep(0.005)  # time enough for each window: none is skipped
            yield batch

    first = line_of(Recorder(tmp_path / "run.mcap", CONFIG))

    async def go() -> None:
        await first.engine.start(CONFIG.channels)
        async for _ in run(live(), first, lambda: clock[0]):
            pass
        await first.close()

    asyncio.run(go())
    recorded = Recorded(tmp_path / "run.mcap")
    again = line_of(recorded=recorded)
    moved(again, list(recorded.steps()))
    assert again.digest.hex() == first.digest.hex() == recorded.digests
    assert again.steering.version == first.steering.version == 3
    assert first.events > 0
