from collections.abc import Iterable

from situations import window

from operators.episodes import Episodes
from pipeline.messages import Event


def life(scores: Iterable[float], quiet: int = 2) -> list[Event]:
    """The events of one score a window; 0 is a miss."""
    episodes = Episodes("name", "label", "source", quiet)
    events: list[Event] = []
    for number, score in enumerate(scores):
        events += episodes.seen(window(number, {}), score, {"/imu": score}) if score else episodes.missed()
    return [*events, *episodes.finish()]


def test_a_new_peak_updates_and_a_lower_score_does_not() -> None:
    events = life([0, 3, 2, 5, 4])
    assert [(event.phase, event.score) for event in events] == [("opened", 3), ("updated", 5), ("closed", 5)]
    assert events[-1].evidence == {"/imu": 5}


def test_it_lasts_from_the_first_window_to_the_last_it_was_seen_in() -> None:
    closed = life([0, 3, 2, 2, 0, 0, 0])[-1]
    assert (closed.start, closed.end) == (window(1, {}).start, window(3, {}).end)


def test_a_short_miss_does_not_end_it() -> None:
    assert [event.phase for event in life([3, 0, 3, 0, 3])] == ["opened", "closed"]
    assert [event.phase for event in life([3, 0, 0, 3])] == ["opened", "closed", "opened", "closed"]


def test_name_and_start_make_the_id() -> None:
    ids = [event.id for event in life([3, 0, 0, 3]) if event.phase == "opened"]
    assert ids == ["name@100000000000", "name@101500000000"]


def test_nothing_seen_is_no_event() -> None:
    assert life([0, 0]) == []
