"""What every part promises: one list of checks per protocol, run by ``test_contracts.py`` on every class found.

A check takes the class, builds what it needs from defaults, and asserts.
"""

import inspect
import pickle
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pkgutil import walk_packages
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest
import torch
from situations import DIM, clip, observations

from pipeline.messages import MODALITIES, NS, Array, Embedding, Event, Observation, Sample

MAX_PREPARED_BYTES = 400_000
"""What may travel to a replica for one clip."""

Check = Callable[[Any], None]


@dataclass(frozen=True)
class Protocol:
    """How a class that follows a protocol is known, and what it then must do."""

    name: str
    matches: Callable[[type], bool]
    checks: tuple[Check, ...]


def parts(*rooms: str) -> Iterator[type]:
    """Yield every public class that is defined in the packages called ``rooms``."""
    for room in rooms:
        package = import_module(room)
        for module in walk_packages(package.__path__, f"{room}."):
            for name, thing in vars(import_module(module.name)).items():
                if inspect.isclass(thing) and thing.__module__ == module.name and not name.startswith("_"):
                    yield thing


def has(*methods: str) -> Callable[[type], bool]:
    """Return whether a class or its bases define all of ``methods``; calling a class is no method of it."""
    return lambda part: all(any(method in vars(base) for base in part.__mro__) for method in methods)


def gives_samples(part: type) -> bool:
    return "__iter__" in vars(part) and get_type_hints(part.__iter__).get("return") == Iterator[Sample]  # type: ignore[attr-defined]


def fuses(part: type) -> bool:
    return has("__call__")(part) and list(inspect.signature(part.__call__).parameters)[1:] == ["window", "embeddings"]


# All


def check_constructor_is_the_schema(part: Any) -> None:
    """Every parameter is annotated, has a default of that type, and is kept under its own name."""
    hints = get_type_hints(part.__init__)
    built = part()
    for name, parameter in inspect.signature(part).parameters.items():
        assert name in hints, f"{name} has no annotation"
        assert parameter.default is not inspect.Parameter.empty, f"{name} has no default"
        msgspec.convert(parameter.default, hints[name])
        assert getattr(built, name) == parameter.default, f"{name} is not kept"


# Sensors


def check_names_its_topic(part: Any) -> None:
    assert part(topic="/elsewhere").topic == "/elsewhere"


def check_samples_are_as_promised(part: Any) -> None:
    """A sensor that needs neither device nor real time gives rising, well-formed samples of its modality."""
    if not {"realtime", "duration_s"} <= set(inspect.signature(part).parameters):
        return
    sensor = part(realtime=False, duration_s=0.2)
    samples = list(sensor)
    assert samples
    assert {sample.topic for sample in samples} == {sensor.topic}
    assert all(a.seq < b.seq and a.stamp < b.stamp for a, b in pairwise(samples))
    assert samples[-1].stamp - samples[0].stamp < 0.2 * NS
    for sample in samples:
        assert is_data_of(sensor.modality, sample.data), f"{sample.data.shape} {sample.data.dtype}"


def is_data_of(modality: str, data: Array) -> bool:
    """Say whether ``data`` is as the docstring of Sample wants it."""
    kind, shape = data.dtype.kind, data.shape
    match modality:
        case "vision":
            return data.dtype == np.uint8 and (data.ndim == 2 or (data.ndim == 3 and shape[2] == 3))
        case "audio":
            return (data.dtype == np.int16 or kind == "f") and data.ndim in (1, 2)
        case "depth":
            return (data.dtype == np.uint16 or kind == "f") and data.ndim == 2
        case "thermal":
            return (data.dtype in (np.uint16, np.uint8) or kind == "f") and data.ndim == 2
        case "imu":
            return kind == "f" and shape in ((6,), (3,))
    return False


# Encoders


def prepared(encoder: Any, number: int = 3) -> Array:
    return np.stack([encoder.prepare(clip(encoder.modality, seed)) for seed in range(number)])


def check_says_what_it_encodes(part: Any) -> None:
    encoder = part()
    assert encoder.modality in MODALITIES
    assert encoder.dim > 0


def check_rows_are_unit_vectors(part: Any) -> None:
    encoder = part()
    vectors = encoder.embed(prepared(encoder))
    assert vectors.shape == (3, encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def check_unlike_clips_have_unlike_vectors(part: Any) -> None:
    encoder = part()
    vectors = encoder.embed(prepared(encoder))
    assert (1 - vectors @ vectors.T)[np.triu_indices(3, 1)].min() > 1e-5


def check_batch_composition_changes_nothing(part: Any) -> None:
    encoder = part()
    batch = prepared(encoder)
    together = encoder.embed(batch)
    for row, alone in enumerate(batch):
        np.testing.assert_allclose(encoder.embed(alone[np.newaxis])[0], together[row], rtol=0, atol=1e-5)


def check_prepared_clips_are_fit_to_travel(part: Any) -> None:
    encoder = part()
    for seed in range(3):
        ready = encoder.prepare(clip(encoder.modality, seed))
        assert ready.flags.c_contiguous
        assert ready.nbytes <= MAX_PREPARED_BYTES
        assert ready.dtype.kind in "iuf"


def check_input_is_only_read(part: Any) -> None:
    """Samples from the wire and batches from Ray are read-only; the clips of ``situations`` are so too."""
    encoder = part()
    batch = prepared(encoder)
    before = batch.copy()
    batch.flags.writeable = False
    encoder.embed(batch)
    np.testing.assert_array_equal(batch, before)


def check_replicas_agree(part: Any) -> None:
    encoder = part()
    batch = prepared(encoder)
    vectors = encoder.embed(batch)
    np.testing.assert_array_equal(part().embed(prepared(part())), vectors)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).embed(batch), vectors)


def check_global_randomness_is_left_alone(part: Any) -> None:
    before = torch.get_rng_state(), random.getstate(), pickle.dumps(np.random.get_state())
    encoder = part()
    encoder.embed(prepared(encoder))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert pickle.dumps(np.random.get_state()) == before[2]


def check_impossible_clips_are_refused_by_topic(part: Any) -> None:
    encoder = part()
    good = clip(encoder.modality)
    solid = msgspec.structs.replace(good.samples[0], data=np.ones((2, 2, 2, 2), np.uint8))
    letters = msgspec.structs.replace(good.samples[0], data=np.full(good.samples[0].data.shape, "x"))
    for samples in ((), (solid,), (letters,)):
        with pytest.raises(ValueError, match=good.topic):
            encoder.prepare(msgspec.structs.replace(good, samples=samples))


def check_sentences_become_unit_vectors(part: Any) -> None:
    encoder = part()
    tokens = encoder.tokenize(["a person walking", "", "снег ❄ " * 100])
    assert tokens.ndim == 2
    assert len(tokens) == 3
    assert tokens.dtype.kind == "i"
    vectors = encoder.embed(tokens)
    assert vectors.shape == (3, encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(encoder.embed(tokens[1:2])[0], vectors[1], rtol=0, atol=1e-5)


# Fusion


def check_any_subset_fuses_in_any_order(part: Any) -> None:
    whole = observations(1)[0]
    embeddings = list(whole.embeddings.values())
    for chosen in (embeddings, embeddings[:1], embeddings[1:]):
        fused = part()(whole.window, chosen)
        assert fused.fused.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(fused.fused), 1, atol=1e-5)
        assert set(fused.weights) == {embedding.topic for embedding in chosen} == set(fused.embeddings)
        assert sum(fused.weights.values()) == pytest.approx(1)
        assert min(fused.weights.values()) >= 0
        backwards = part()(whole.window, chosen[::-1])
        np.testing.assert_array_equal(backwards.fused, fused.fused)
        assert backwards.weights == fused.weights


def check_nothing_fuses_to_zeros(part: Any) -> None:
    whole = observations(1)[0]
    fuse = part()
    assert not fuse(whole.window, []).fused.any()
    fuse(whole.window, list(whole.embeddings.values()))
    empty = fuse(whole.window, [])
    assert empty.fused.shape == (DIM,)
    assert empty.fused.dtype == np.float32
    assert not empty.fused.any()
    assert not empty.weights


# Operators


def run(operator: Any, stream: Iterable[Observation]) -> list[Event]:
    events = [event for observation in stream for event in operator(observation)]
    return [*events, *operator.finish()]


def check_same_observations_same_events(part: Any) -> None:
    first, second = run(part(), observations(120)), run(part(), observations(120))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def check_events_open_once_and_close_once(part: Any) -> None:
    operator = part()
    events = run(operator, observations(120))
    for id_ in {event.id for event in events}:
        life = [event for event in events if event.id == id_]
        assert [event.phase for event in life] == ["opened", *["updated"] * (len(life) - 2), "closed"]
        assert len({(event.start, event.label, event.source) for event in life}) == 1
        assert life[0].start < life[0].end
        assert all(a.end <= b.end for a, b in pairwise(life))
    for event in events:
        assert np.isfinite([event.score, *event.evidence.values()]).all()
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
    assert not list(operator.finish())


def check_scores_before_learning(part: Any) -> None:
    """What is seen for the first time is news in that very window, or never."""
    stream = observations(120, odd=range(60, 66))
    for event in run(part(), stream):
        assert event.phase != "opened" or event.start == stream[60].window.start


def check_absent_topics_survive(part: Any) -> None:
    operator = part()
    for seed, absent in enumerate((["/microphone"], ["/camera", "/imu"], ["/camera", "/imu", "/microphone"])):
        for observation in observations(40, absent=absent, seed=seed):
            list(operator(observation))
    list(operator.finish())


def check_memory_is_bounded(part: Any) -> None:
    operator = part()
    sizes = []
    for seed in range(3):
        run(operator, observations(900, seed=seed))
        sizes.append(len(pickle.dumps(operator)))
    assert sizes[2] <= 1.05 * sizes[1]


def check_observation_is_only_read(part: Any) -> None:
    """The vectors of ``situations`` are read-only; mappings are compared."""
    stream = observations(60, odd=range(50, 52))
    before = [_plain(observation) for observation in stream]
    run(part(), stream)
    assert [_plain(observation) for observation in stream] == before


def _plain(observation: Observation) -> Any:
    embeddings: list[Embedding] = list(observation.embeddings.values())
    return (
        [(embedding.topic, embedding.vector.tobytes()) for embedding in embeddings],
        observation.fused.tobytes(),
        dict(observation.weights),
        dict(observation.window.coverage),
    )


PROTOCOLS = (
    Protocol(
        "sensor",
        gives_samples,
        (check_constructor_is_the_schema, check_names_its_topic, check_samples_are_as_promised),
    ),
    Protocol(
        "encoder",
        has("prepare", "embed"),
        (
            check_constructor_is_the_schema,
            check_says_what_it_encodes,
            check_rows_are_unit_vectors,
            check_unlike_clips_have_unlike_vectors,
            check_batch_composition_changes_nothing,
            check_prepared_clips_are_fit_to_travel,
            check_input_is_only_read,
            check_replicas_agree,
            check_global_randomness_is_left_alone,
            check_impossible_clips_are_refused_by_topic,
        ),
    ),
    Protocol(
        "text encoder",
        has("tokenize", "embed"),
        (check_constructor_is_the_schema, check_says_what_it_encodes, check_sentences_become_unit_vectors),
    ),
    Protocol(
        "fusion",
        fuses,
        (check_constructor_is_the_schema, check_any_subset_fuses_in_any_order, check_nothing_fuses_to_zeros),
    ),
    Protocol(
        "operator",
        has("__call__", "finish"),
        (
            check_constructor_is_the_schema,
            check_same_observations_same_events,
            check_events_open_once_and_close_once,
            check_scores_before_learning,
            check_absent_topics_survive,
            check_memory_is_bounded,
            check_observation_is_only_read,
        ),
    ),
)
