"""Events carry what a person wants to see of them."""

import io
import wave

from msgspec.structs import replace
from PIL import Image
from situations import clip, observe

from pipeline.evidence import MAX_HISTORY, Evidence
from pipeline.messages import Event, Observation, Phase

CLIPS = {"/camera": clip("vision"), "/imu": clip("imu"), "/microphone": clip("audio")}


def seeing(number: int, brightness: int = 0) -> Observation:
    one = observe(number, {})
    camera = CLIPS["/camera"]
    samples = tuple(replace(sample, data=sample.data // 8 + brightness) for sample in camera.samples)
    clips = CLIPS | {"/camera": replace(camera, samples=samples)}
    return replace(one, window=replace(one.window, clips=clips), weights={"/imu": 0.25, "/camera": 0.75})


def event(phase: Phase, score: float) -> Event:
    return Event(id="a@1", phase=phase, start=1, end=5, label="fire", score=score, source="tagging")


def brightness(event: Event) -> float:
    image = Image.open(io.BytesIO(event.pictures["/camera"]))
    return float(
        sum(image.convert("L").histogram()[level] * level for level in range(256)) / (image.width * image.height)
    )


def test_the_strongest_window_is_what_is_shown() -> None:
    evidence = Evidence()
    (opened,) = evidence([event("opened", 0.7)], seeing(0, 10), {"tagging/fire": 0.7})
    (stronger,) = evidence([event("updated", 0.9)], seeing(1, 200), {"tagging/fire": 0.9})
    assert not list(evidence([], seeing(2, 10), {"tagging/fire": 0.4}))
    (closed,) = evidence([event("closed", 0.9)], seeing(3, 10), {"tagging/fire": 0.1})
    assert brightness(opened) < 60 < 180 < brightness(stronger)
    assert closed.pictures == stronger.pictures
    assert opened.weights == closed.weights == {"/imu": 0.25, "/camera": 0.75}
    assert closed.history == (0.7, 0.9, 0.4, 0.1)
    assert list(opened.pictures) == ["/camera"]
    with wave.open(io.BytesIO(closed.sounds["/microphone"])) as heard:
        assert (heard.getframerate(), heard.getnframes()) == (16_000, 32_000)


def test_an_operator_that_tells_no_scores_has_those_of_its_events() -> None:
    evidence = Evidence()
    list(evidence([event("opened", 3.0)], seeing(0), {}))
    list(evidence([], seeing(1), {}))
    (closed,) = evidence.closing([event("closed", 3.0)])
    assert closed.history == (3.0, 3.0)
    (after,) = evidence.closing([event("closed", 3.0)])
    assert after == event("closed", 3.0)


def test_a_history_is_bounded() -> None:
    evidence = Evidence()
    list(evidence([event("opened", 0.0)], seeing(0), {"tagging": 0.0}))
    bare = observe(1, {})
    for number in range(MAX_HISTORY + 5):
        list(evidence([], bare, {"tagging": float(number)}))
    (closed,) = evidence.closing([event("closed", 0.0)])
    assert closed.history == tuple(float(number) for number in range(5, MAX_HISTORY + 5))
