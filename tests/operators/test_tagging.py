import logging
from itertools import count

import numpy as np
import pytest
from fakes import Words
from golden import golden
from msgspec.structs import replace
from situations import DIM, TOPICS, observations, observe

from operators.labels import Spec, example_of
from operators.space import Space
from operators.tagging import Tagger
from pipeline.messages import Array, DropLabel, Event, Example, Mark, Observation, SetLabel, Window

LABELS: dict[str, list[str] | Spec] = {"fire": ["a fire burning"], "glass": ["glass breaks", "breaking glass"]}
WORDS = {"use": "fakes:Words"}
TEXT = {"use": "operators.encoders.text:TextEncoder", "params": {"tower": {"dim": DIM}}}
BACKGROUND = ["nothing unusual"]
NOTHING, FIRE, GLASS = "nothing unusual", "a fire burning", "glass breaks"


def sentence(text: str) -> Array:
    encoder = Words()
    vector: Array = encoder.embed(encoder.tokenize([text]))[0]
    return vector


def tagger(labels: dict[str, list[str] | Spec] = LABELS, **params: float | str) -> Tagger:
    """One whose sentences are far apart."""
    return Tagger(labels, BACKGROUND, text=WORDS, **params)  # type: ignore[arg-type]


def hearing(*texts: str, share: float = 1.0) -> list[Observation]:
    """Windows that mean these sentences, more or less."""
    rest = sentence("something else")
    return [
        observe(number, {"/microphone": share * sentence(text) + (1 - share) * rest})
        for number, text in enumerate(texts)
    ]


def run(tagger: Tagger, stream: list[Observation]) -> list[Event]:
    events = [event for observation in stream for event in tagger(observation)]
    return [*events, *tagger.finish()]


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.phase, event.label) for event in events if event.phase != "updated"]


def test_windows_that_mean_a_label_are_tagged_with_it() -> None:
    stream = hearing(NOTHING, *[FIRE] * 3, *[NOTHING] * 4)
    events = run(tagger(), stream)
    assert told(events) == [("opened", "fire"), ("closed", "fire")]
    assert events[0].id == f"tagging/fire@{stream[1].window.start}"
    assert (events[-1].start, events[-1].end) == (stream[1].window.start, stream[3].window.end)
    assert 0.9 < events[0].score < 1
    assert events[0].evidence["/microphone"] > 3


def test_two_labels_can_be_true_at_once() -> None:
    glass = sentence(GLASS) + sentence("breaking glass")
    both = {"/microphone": sentence(FIRE) + glass / np.linalg.norm(glass)}
    stream = [*hearing(*[NOTHING] * 5), *(observe(number, both) for number in range(5, 8))]
    assert {event.label for event in run(tagger(), stream)} == {"fire", "glass"}


def test_between_release_and_threshold_an_open_tag_stays_and_none_opens() -> None:
    abstaining = tagger(threshold=0.98, release=0.3)
    half = hearing(*[FIRE] * 4, share=0.32)
    found = [(abstaining(one), abstaining.scores["tagging/fire"]) for one in half]
    assert all(0.3 < score < 0.98 and not events for events, score in found), found
    stays = tagger(threshold=0.98, release=0.3)
    stream = hearing(NOTHING, FIRE, FIRE)
    stream += [replace(one, window=_at(3 + n)) for n, one in enumerate(hearing(FIRE, FIRE, share=0.36))]
    (*_, closed) = run(stays, stream)
    assert 0.3 < stays.scores["tagging/fire"] < 0.98
    assert closed.end == stream[-1].window.end


def _at(number: int) -> Window:
    return observe(number, {}).window


def test_one_window_opens_nothing_and_a_gap_is_bridged() -> None:
    assert not run(tagger(least=2), hearing(NOTHING, FIRE, NOTHING, NOTHING, FIRE, NOTHING))
    bridged = run(tagger(least=2, quiet=3), hearing(NOTHING, FIRE, FIRE, NOTHING, NOTHING, FIRE, FIRE, *[NOTHING] * 4))
    assert told(bridged) == [("opened", "fire"), ("closed", "fire")]


def test_a_cooldown_keeps_a_label_from_coming_back_at_once() -> None:
    twice = hearing(NOTHING, *[FIRE] * 3, *[NOTHING] * 8, *[FIRE] * 3, *[NOTHING] * 4)
    assert told(run(tagger(), twice)).count(("opened", "fire")) == 2
    assert told(run(tagger(cooldown_s=30), twice)).count(("opened", "fire")) == 1


def test_only_the_modalities_that_may_speak_are_heard() -> None:
    loud = [*hearing(*[NOTHING] * 10)]
    for number in range(10, 14):
        loud.append(observe(number, {"/microphone": sentence(FIRE), "/camera": sentence(NOTHING)}))
    either = tagger({"fire": Spec(prompts=(FIRE,))})
    seen = tagger({"fire": Spec(prompts=(FIRE,), modalities=("vision",), severity="critical")})
    heard = tagger({"fire": Spec(prompts=(FIRE,), modalities=("audio",))})
    scores = {}
    for name, one in (("either", either), ("seen", seen), ("heard", heard)):
        run(one, loud)
        scores[name] = one.scores["tagging/fire"]
    assert scores["seen"] < scores["either"] <= scores["heard"]


def test_a_label_is_as_usual_while_nobody_is_there_that_may_speak_for_it() -> None:
    heard = tagger({"fire": Spec(prompts=(FIRE,), modalities=("audio",))})
    stream = hearing(*[NOTHING] * 6)
    stream += [observe(6 + n, {"/camera": sentence(FIRE), "/imu": sentence(FIRE)}) for n in range(3)]
    assert not run(heard, stream)
    assert heard.scores["tagging/fire"] < 0.05


def test_evidence_is_of_those_that_may_speak() -> None:
    both = {"/microphone": sentence(FIRE), "/camera": sentence(FIRE)}
    heard = tagger({"fire": Spec(prompts=(FIRE,), modalities=("audio",))})
    events = run(heard, [*hearing(*[NOTHING] * 6), *(observe(6 + n, both) for n in range(3))])
    assert {topic for event in events for topic in event.evidence} == {"/microphone"}


def test_an_example_speaks_through_its_own_modality() -> None:
    bark = sentence("a bark that has no words")
    shown = SetLabel(label="dog", examples=(Example(modality="audio", vector=tuple((3 * bark).tolist())),))
    knowing = tagger()
    assert knowing.obey(shown) == []
    stream = hearing(*[NOTHING] * 6)
    stream += [observe(6 + n, {"/microphone": bark, "/camera": sentence(NOTHING)}) for n in range(3)]
    stream += [observe(9 + n, {"/microphone": sentence(NOTHING), "/camera": bark}) for n in range(9)]
    events = run(knowing, stream)
    assert told(events) == [("opened", "dog"), ("closed", "dog")]
    assert events[-1].end == stream[8].window.end


TONE, CARD = str(golden("audio_mono16k_short.wav")), str(golden("img_320x240.png"))


@pytest.mark.parametrize(
    ("example", "told_by"),
    [
        (TONE, {"sound"}),
        (CARD, {"picture"}),
        (f"{NOTHING} + {CARD} - {TONE}", {"picture"}),
        (f"{FIRE} + {GLASS}", {"words"}),
    ],
    ids=["sound", "picture", "sum", "sentences"],
)
def test_examples_are_sounds_pictures_and_sums_of_them_and_of_sentences(example: str, told_by: set[str]) -> None:
    heard, seen, read = Space("mini").embed(TONE, CARD, FIRE)
    hush, wall = sentence("hush"), sentence("wall")
    calm = [observe(n, {"/microphone": hush, "/camera": wall}) for n in range(8)]
    found = set()
    for name, ear, eye in (("sound", heard, wall), ("picture", hush, seen), ("words", hush, read)):
        knowing = Tagger({"this": Spec(examples=(example,))}, BACKGROUND)
        assert knowing.known()[0].examples == (example,)
        if run(knowing, [*calm, *(observe(8 + n, {"/microphone": ear, "/camera": eye}) for n in range(3))]):
            found.add(name)
    assert found == told_by


def test_a_sum_is_of_the_sense_of_its_first_file() -> None:
    space = Space("mini")
    for text, modality in ((f"{FIRE} + {CARD} - {TONE}", "vision"), (TONE, "audio"), (f"{FIRE} + {GLASS}", "text")):
        assert example_of(text, space).modality == modality


def test_marks_move_what_is_like_the_marked_event_and_nothing_else() -> None:
    learning = tagger()
    numbers = count()

    def hear(text: str) -> tuple[list[Event], float]:
        one = replace(hearing(text)[0], window=_at(next(numbers)))
        return learning(one), learning.scores["tagging/fire" if text == FIRE else "tagging/glass"]

    for _ in range(5):
        hear(NOTHING)
    hear(FIRE)
    (opened, *_), before = hear(FIRE)
    for _ in range(5):
        hear(NOTHING)
    _, glass_before = hear(GLASS)
    assert learning.obey(Mark(event=opened.id, right=False)) == []
    assert hear(FIRE)[1] < before - 0.05
    assert hear(GLASS)[1] == pytest.approx(glass_before, abs=0.02)
    for _ in range(2):
        learning.obey(Mark(event=opened.id, right=True))
    assert hear(FIRE)[1] > before - 0.05
    assert {one.label: (one.right, one.wrong) for one in learning.known()}["fire"] == (2, 1)
    assert learning.obey(Mark(event="tagging/fire@3", right=True)) is None


def test_labels_come_and_go_while_it_runs() -> None:
    changing = tagger()
    stream = hearing(*[NOTHING] * 3, *[FIRE] * 3)
    for one in stream:
        changing(one)
    (closed,) = changing.obey(DropLabel(label="fire")) or []
    assert (closed.phase, closed.label) == ("closed", "fire")
    assert changing.obey(DropLabel(label="fire")) is None
    changing.obey(SetLabel(label="smoke", prompts=(FIRE,), threshold=0.5))
    assert [(one.label, one.threshold) for one in changing.known()] == [("glass", 0.7), ("smoke", 0.5)]


def test_a_severity_stays_until_another_is_said() -> None:
    changing = tagger({"fire": Spec(prompts=(FIRE,), severity="critical")})
    said: list[str] = []
    start = 0
    for severity in (None, "warning", None):
        changing.obey(SetLabel(label="fire", prompts=(FIRE,), severity=severity))
        again = tagger({})
        again.restore(changing.state())
        for tags in (changing, again):
            stream = hearing(*[NOTHING] * 5, *[FIRE] * 2)
            events = [event for n, one in enumerate(stream) for event in tags(replace(one, window=_at(start + n)))]
            said += [event.severity for event in (*events, *tags.finish()) if event.phase == "opened"]
        start += 7
    assert said == ["critical"] * 2 + ["warning"] * 4


def test_a_labels_examples_stay_where_that_is_said() -> None:
    changing = tagger({"fire": Spec(prompts=(FIRE,))})
    shown = Example(modality="audio", vector=(1.0,) + (0.0,) * (DIM - 1), name="crackle.wav")
    changing.obey(SetLabel(label="fire", prompts=(FIRE,), examples=(shown,)))
    for keep_examples, due in ((True, ("crackle.wav",)), (False, ())):
        changing.obey(SetLabel(label="fire", prompts=(FIRE,), threshold=0.9, keep_examples=keep_examples))
        again = tagger({})
        again.restore(changing.state())
        assert [(one.examples, one.threshold) for tags in (changing, again) for one in tags.known()] == [(due, 0.9)] * 2


def test_labels_that_went_leave_nothing_behind() -> None:
    changing = tagger()
    empty = len(changing.state())
    for number in range(300):
        changing.obey(SetLabel(label=f"label {number}", prompts=("x",)))
        changing.obey(DropLabel(label=f"label {number}"))
    assert len(changing.state()) == empty
    changing.obey(DropLabel(label="fire"))
    again = tagger()
    again.restore(changing.state())
    assert [one.label for one in again.known()] == ["glass"]


def test_what_was_changed_and_learned_outlives_a_restart() -> None:
    first, second = tagger(), tagger()
    first.obey(SetLabel(label="smoke", prompts=("smoke rises",)))
    first.obey(DropLabel(label="glass"))
    for one in hearing(*[NOTHING] * 20, FIRE, FIRE):
        events = first(one)
    first.obey(Mark(event=events[0].id, right=False))
    first.finish()
    second.restore(first.state())
    later = [replace(one, window=_at(30 + n)) for n, one in enumerate(hearing(NOTHING, FIRE, FIRE, "smoke rises"))]
    for one in later:
        first(one)
        second(one)
        assert second.scores == pytest.approx(first.scores)
    with pytest.raises(ValueError, match="no state"):
        second.restore(b"\x80")


def test_what_another_model_learned_is_refused_and_changes_nothing() -> None:
    first, other = tagger(model="one"), tagger(model="two")
    first.obey(SetLabel(label="smoke", prompts=("smoke rises",)))
    with pytest.raises(ValueError, match="labels were learned with 'one' in 512 dimensions; this is 'two' in 512"):
        other.restore(first.state())
    assert [one.label for one in other.known()] == ["fire", "glass"]


def test_labels_alike_are_told_with_their_cosine(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        alike = tagger({"fire": [FIRE], "flames": [FIRE], "glass": [GLASS]})
    assert "'fire' and 'flames' are alike: their cosine is 1.000" in caplog.text
    assert alike.known()[0].alike == {"flames": 1.0}
    assert not alike.known()[2].alike


def test_placeholder_weights_abstain() -> None:
    blind = Tagger(text=TEXT)
    assert not run(blind, [item for seed in range(20) for item in observations(20, seed=seed)])
    assert not run(blind, hearing(FIRE, "a dog barking", "people talking"))


def test_a_window_without_any_sense_is_not_tagged_and_closes_in_time() -> None:
    blind = tagger(quiet=2)
    events = run(blind, [*hearing(NOTHING, FIRE, FIRE), observe(3, {}), replace(observe(4, {}), fused=np.zeros(0))])
    assert told(events) == [("opened", "fire"), ("closed", "fire")]
    assert events[-1].phase == "closed"
    assert blind.scores == {"tagging/fire": 0.0, "tagging/glass": 0.0}
    assert not run(tagger(), [observe(0, {})])


def test_vectors_that_are_not_finite_are_counted_and_say_nothing() -> None:
    spoilt = tagger()
    (one,) = hearing(FIRE)
    lost = one.embeddings["/microphone"]
    for fused in (np.full(DIM, np.nan, np.float32), one.fused):
        holes = {"/microphone": replace(lost, vector=np.full(DIM, np.inf, np.float32))}
        spoilt(replace(one, embeddings=holes, fused=fused))
    assert spoilt.refused == 3
    assert np.isfinite(list(spoilt.scores.values())).all()


def test_other_dimensions_are_named() -> None:
    other = Tagger(LABELS, BACKGROUND, text=TEXT | {"params": {"tower": {"dim": 64}}})
    with pytest.raises(ValueError, match=f"text:TextEncoder gives vectors of 64, those observed have {DIM}"):
        other(observe(0, dict.fromkeys(TOPICS, np.ones(DIM))))


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (SetLabel(label="x"), "label 'x' has no sentence and no example"),
        (SetLabel(label="x", examples=(Example(modality="audio", vector=(1.0, 2.0)),)), "2 numbers, the space"),
        (SetLabel(label="x", examples=(Example(modality="audio", vector=(0.0,) * DIM),)), "length is 0"),
        (SetLabel(label="x", examples=(Example(modality="audio", vector=(float("nan"),) * DIM),)), "length is nan"),
    ],
)
def test_impossible_commands_are_refused_and_change_nothing(command: SetLabel, named: str) -> None:
    whole = tagger()
    with pytest.raises(ValueError, match=named):
        whole.obey(command)
    assert [one.label for one in whole.known()] == ["fire", "glass"]


def test_there_are_not_more_labels_than_can_be_asked_for() -> None:
    full = tagger({f"label {number}": [f"sentence {number}"] for number in range(64)})
    with pytest.raises(ValueError, match="64 labels are looked for already"):
        full.obey(SetLabel(label="one more", prompts=("x",)))


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"labels": {"fire": []}}, "label 'fire' has no sentence"),
        ({"labels": {"fire": Spec(examples=("nowhere.wav",))}}, "nowhere.wav"),
        ({"background": []}, "background"),
        ({"threshold": 1.5}, "threshold 1.5"),
        ({"threshold": 0.2}, "release 0.3 and threshold 0.2"),
        ({"quiet": 0}, "quiet 0"),
        ({"cooldown_s": -1.0}, "cooldown_s -1"),
        ({"cooldown_s": float("nan")}, "cooldown_s nan"),
        ({"text": {"use": "operators.encoders.text:TxtEncoder"}}, "TxtEncoder"),
        ({"text": {"use": "nowhere:Text"}}, "nowhere"),
        ({"text": {"use": "nowhere"}}, "encoder 'nowhere'"),
        ({"text": TEXT | {"params": {"dims": 3}}}, "dims"),
    ],
)
def test_impossible_parameters_are_refused_by_name(params: dict[str, object], named: str) -> None:
    with pytest.raises((ValueError, OSError), match=named):
        Tagger(**{"text": WORDS} | params)  # type: ignore[arg-type]
