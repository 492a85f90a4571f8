import numpy as np
import pytest
from fakes import Words
from msgspec.structs import replace
from situations import DIM, TOPICS, observations, observe

from operators.tagging import Tagger
from pipeline.messages import Array, Event, Observation

LABELS = {"fire": ["a fire burning"], "glass": ["glass breaks", "breaking glass"]}
WORDS = {"use": "fakes:Words"}
TEXT = {"use": "operators.encoders.text:TextEncoder", "params": {"tower": {"dim": DIM}}}
BACKGROUND = ["nothing unusual"]


def sentence(text: str) -> Array:
    encoder = Words()
    vector: Array = encoder.embed(encoder.tokenize([text]))[0]
    return vector


def sharp(**params: float) -> Tagger:
    """A tagger whose sentences are far apart."""
    return Tagger(LABELS, BACKGROUND, text=WORDS, temperature=0.05, **params)  # type: ignore[arg-type]


def hearing(*texts: str) -> list[Observation]:
    """Windows that mean these sentences exactly."""
    return [observe(number, {"/microphone": sentence(text)}) for number, text in enumerate(texts)]


def run(tagger: Tagger, stream: list[Observation]) -> list[Event]:
    events = [event for observation in stream for event in tagger(observation)]
    return [*events, *tagger.finish()]


def test_a_window_that_means_a_label_is_tagged_with_it() -> None:
    nothing, fire = "nothing unusual", "a fire burning"
    stream = hearing(nothing, fire, fire, nothing, nothing)
    events = run(sharp(), stream)
    assert [(event.phase, event.label) for event in events] == [("opened", "fire"), ("closed", "fire")]
    assert events[0].id == f"tagging/fire@{stream[1].window.start}"
    assert (events[-1].start, events[-1].end) == (stream[1].window.start, stream[2].window.end)
    assert 0.9 < events[0].score <= 1
    assert events[0].evidence == pytest.approx({"/microphone": 1})


def test_labels_do_not_compete() -> None:
    both = observe(0, {"/microphone": sentence("a fire burning") + sentence("glass breaks")})
    assert {event.label for event in run(sharp(), [both])} == {"fire", "glass"}


def test_between_release_and_threshold_an_open_tag_stays_and_none_opens() -> None:
    fire, nothing = sentence("a fire burning"), sentence("nothing unusual")
    half = observe(1, {"/microphone": fire + 0.9 * nothing})
    tagger = sharp(threshold=0.99, release=0.3)
    probability = tagger._probabilities(half.fused)[0]
    assert 0.3 < probability < 0.99
    assert not run(sharp(threshold=0.99, release=0.3), [half])
    stream = hearing("a fire burning", "replaced", "nothing unusual", "nothing unusual")
    stream[1] = half
    assert run(tagger, stream)[-1].end == half.window.end


def test_placeholder_weights_abstain() -> None:
    tagger = Tagger(text=TEXT)
    assert not run(tagger, [item for seed in range(20) for item in observations(20, seed=seed)])
    assert not run(tagger, hearing("a fire burning", "a dog barking", "people talking"))


def test_a_window_without_any_sense_is_not_tagged() -> None:
    eager = sharp(threshold=0.1, release=0.1)
    assert not run(eager, [observe(0, {})])
    assert not run(eager, [replace(observe(0, {}), fused=np.zeros(0, np.float32))])


def test_extreme_temperatures_do_not_overflow() -> None:
    for temperature in (1e-9, 1e9):
        run(
            Tagger(LABELS, BACKGROUND, temperature=temperature, text=WORDS),
            hearing("a fire burning", "nothing unusual"),
        )


def test_other_dimensions_are_named() -> None:
    tagger = Tagger(LABELS, BACKGROUND, text=TEXT | {"params": {"tower": {"dim": 64}}})
    with pytest.raises(ValueError, match=f"text:TextEncoder gives vectors of 64, those observed have {DIM}"):
        tagger(observe(0, dict.fromkeys(TOPICS, np.ones(DIM))))


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"labels": {"fire": []}}, "labels fire"),
        ({"background": []}, "background"),
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"threshold": 0.2}, "release 0.7 and threshold 0.2"),
        ({"temperature": 0.0}, "temperature 0.0"),
        ({"quiet": 0}, "quiet 0"),
        ({"text": {"use": "operators.encoders.text:TxtEncoder"}}, "TxtEncoder"),
        ({"text": {"use": "nowhere:Text"}}, "nowhere"),
        ({"text": {"use": "nowhere"}}, "encoder 'nowhere'"),
        ({"text": TEXT | {"params": {"dims": 3}}}, "dims"),
    ],
)
def test_impossible_parameters_are_refused_by_name(params: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Tagger(**params)  # type: ignore[arg-type]
