"""Whatever senses are there, the demo's operators say something finite of those, and of no other."""

from collections.abc import Collection
from itertools import chain, combinations

import numpy as np
from msgspec.structs import replace

from pipeline.commands.assembly import load_checked
from pipeline.commands.bench.operators import demo_operators, observations
from pipeline.commands.demo import find_config
from pipeline.messages import Observation, Scoring

CONFIG = load_checked(find_config("demo.toml"))
TOPICS = [channel.topic for channel in CONFIG.channels]
SUBSETS = [set(some) for some in chain.from_iterable(combinations(TOPICS, size) for size in range(1, 6))]
ROUND = 4
"""Windows that a subset lasts."""


def only(topics: Collection[str], whole: Observation) -> Observation:
    """What is left of ``whole`` when the others are absent."""
    embeddings = {topic: whole.embeddings[topic] for topic in whole.embeddings if topic in topics}
    fused = np.sum([one.vector for one in embeddings.values()], axis=0)
    return replace(
        whole,
        window=replace(
            whole.window,
            clips={topic: clip for topic, clip in whole.window.clips.items() if topic in topics},
            coverage={topic: float(topic in topics) for topic in whole.window.coverage},
        ),
        embeddings=embeddings,
        fused=(fused / np.linalg.norm(fused)).astype(np.float32),
        weights=dict.fromkeys(embeddings, 1 / len(embeddings)),
    )


def test_each_of_the_31_subsets_is_judged_by_what_it_has() -> None:
    operators = demo_operators(CONFIG, 200)
    plan = [subset for _ in range(2) for subset in SUBSETS for _ in range(ROUND)]
    assert len(SUBSETS) == 31
    for number, (subset, whole) in enumerate(zip(plan, observations(CONFIG.channels, len(plan)), strict=True)):
        told: dict[str, float] = {}
        for operator in operators:
            for event in operator(only(subset, whole)):
                named = {name.partition(" ")[0] for name in event.evidence if name.startswith("/")}
                assert event.phase != "opened" or named <= subset
            told |= operator.scores if isinstance(operator, Scoring) else {}
        assert np.isfinite(list(told.values())).all()
        assert all(f"tagging/{label}" in told for label in ("person", "vehicle", "fire", "alarm"))
        judged = {name.removeprefix("anomaly/") for name in told if name.startswith("anomaly/") and " " not in name}
        assert judged <= subset | {"fused", "anomaly"}
        assert number < len(plan) / 2 or subset <= judged
