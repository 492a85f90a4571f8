"""Prometheus reads what the line counted, over a real socket, and the books close there too."""

import asyncio
import json
import re
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError

import numpy as np
import pytest
from fakes import Counting
from makers import CAMERA, IMU, stream
from makers import received as all_received
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from viewing import FIRE, observation, received

from operators.fusion import CrossAttention
from pipeline.config import Config, Security
from pipeline.engine import Engine, Local
from pipeline.errors import SecurityError
from pipeline.health import Health
from pipeline.line import Line
from pipeline.messages import Encoder, Received
from pipeline.monitor.metrics import STATES, Metrics
from pipeline.run import paced, run

HEALTH = Health(
    windows=7,
    skipped=2,
    latency_ms={"line": tuple(range(1, 101)), "vision": (30.0,)},
    faults={"vision deadline": 3},
    unrecorded={"/camera": 4},
)


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    with closing(Metrics(port=0)) as metrics:
        yield metrics


def fed(metrics: Metrics) -> Metrics:
    metrics.watch(lambda: HEALTH)
    metrics.sample(received(CAMERA))
    metrics.write(FIRE)
    metrics.write(replace(FIRE, id="2", label='say "x"\n{}'))
    metrics.show(replace(observation(), scores={"anomaly/fused": 2.5, "tagging/fire/old": 0.5}))
    return metrics


def scraped(address: str, **headers: str) -> list[Sample]:
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=5) as answer:
        text = answer.read().decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def value(samples: list[Sample], metric: str, /, **labels: str) -> float:
    (found,) = [sample.value for sample in samples if sample.name == metric and sample.labels == labels]
    return found


def test_the_ledger_closes(metrics: Metrics) -> None:
    samples = scraped(fed(metrics).address)
    ends: dict[str, float] = defaultdict(float)
    for sample in samples:
        if sample.name == "rigbind_samples_total":
            ends[sample.labels["topic"]] += sample.value
    assert ends == {"/camera": 32, "/imu": 400}
    for topic, number in ends.items():
        in_flight = value(samples, "rigbind_samples_in_flight", topic=topic)
        assert number + in_flight == value(samples, "rigbind_samples_sent_total", topic=topic)
    assert value(samples, "rigbind_samples_total", topic="/camera", cause="superseded") == 4
    assert value(samples, "rigbind_samples_sent_total", topic="/camera") == 35


def test_every_sample_that_was_sent_is_found_again(metrics: Metrics) -> None:
    rng = np.random.default_rng(7)
    sent = all_received([*stream(IMU, 0, 5), *stream(IMU, 6, 10)])  # a second is never received
    lost = rng.random(len(sent)) < 0.1
    lost[[0, -1]] = False
    came = [one for one, is_lost in zip(sent, lost, strict=True) if not is_lost]
    doubled = [copy for one in came for copy in [one] * (1 + (rng.random() < 0.05))]
    broken = Received(sample=replace(came[40].sample, data=np.full(6, np.nan)), received=came[40].received)
    encoders: dict[str, Encoder] = {"imu": Counting("imu")}
    engine = Engine(encoders, Local(encoders), deadline_s=5.0)
    line = Line(Config(channels=[IMU]), engine, CrossAttention(), [], [metrics])

    line.ledger.count("/imu", "gap", int(lost.sum()) + 200)  # as the socket books what its numbers tell

    async def session() -> None:
        async for _ in run(paced([*doubled[:50], broken, *doubled[50:], came[3]], line, None), line):
            pass

    asyncio.run(session())
    samples = scraped(metrics.address)
    of = {sample.labels["cause"]: sample.value for sample in samples if sample.name == "rigbind_samples_total"}
    assert of["gap"] == lost.sum() + 200
    assert of["rejected"] == 1
    assert of["duplicate"] + of["late"] == len(doubled) - len(came) + 1
    assert (
        sum(of.values()) == value(samples, "rigbind_samples_sent_total", topic="/imu") == len(doubled) + 2 + of["gap"]
    )
    assert value(samples, "rigbind_samples_in_flight", topic="/imu") == 0
    assert value(samples, "rigbind_windows_total") == line.windows > 15
    assert value(samples, "rigbind_latency_seconds", stage="imu", quantile="0.5") > 0


def test_streams_tell_their_state(metrics: Metrics) -> None:
    samples = scraped(fed(metrics).address)
    states = {state: value(samples, "rigbind_stream_state", topic="/imu", state=state) for state in STATES}
    assert [state for state, is_so in states.items() if is_so] == ["stale"]
    assert value(samples, "rigbind_stream_coverage_ratio", topic="/camera") == 0.5
    assert value(samples, "rigbind_stream_delay_seconds", topic="/camera") == pytest.approx(0.005)
    assert value(samples, "rigbind_attention_weight", topic="/camera") == 1


def test_the_line_tells_how_it_is_doing(metrics: Metrics) -> None:
    samples = scraped(fed(metrics).address)
    assert value(samples, "rigbind_windows_total") == 7
    assert value(samples, "rigbind_windows_skipped_total") == 2
    assert value(samples, "rigbind_latency_seconds", stage="line", quantile="0.5") == pytest.approx(0.051)
    assert value(samples, "rigbind_latency_seconds", stage="vision", quantile="0.99") == pytest.approx(0.03)
    assert value(samples, "rigbind_embeddings_missing_total", modality="vision", cause="deadline") == 3
    assert value(samples, "rigbind_samples_unrecorded_total", topic="/camera") == 4


def test_events_and_scores_are_there_by_name(metrics: Metrics) -> None:
    samples = scraped(fed(metrics).address)
    kind = {"source": "tagging", "severity": "critical"}
    assert value(samples, "rigbind_events_total", label="fire <b>", **kind) == 1
    assert value(samples, "rigbind_events_going_on", label='say "x"\n{}', **kind) == 1
    assert value(samples, "rigbind_score", source="anomaly", name="fused") == 2.5
    assert value(samples, "rigbind_score", source="tagging", name="fire/old") == 0.5


def test_nothing_yet_is_an_answer(metrics: Metrics) -> None:
    assert value(scraped(metrics.address), "rigbind_windows_total") == 0


def test_a_token_is_asked_for_where_others_can_read(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    with pytest.raises(SecurityError, match=r"0\.0\.0\.0"):
        Metrics(port=0, host="0.0.0.0")
    Metrics(port=0, host="0.0.0.0", security=Security(insecure=True)).close()
    with closing(Metrics(port=0, token_file=str(token))) as metrics:
        with pytest.raises(HTTPError, match="401"):
            scraped(metrics.address)
        assert scraped(metrics.address, authorization="Bearer 0123456789abcdef")


def test_a_port_in_use_is_told(metrics: Metrics) -> None:
    port = int(metrics.address.split(":")[2].partition("/")[0])
    with pytest.raises(OSError, match=f"metrics cannot be served at 127.0.0.1:{port}"):
        Metrics(port=port)


def test_the_dashboard_asks_for_metrics_that_are_there(metrics: Metrics) -> None:
    dashboard = json.loads((Path(__file__).resolve().parents[3] / "configs" / "grafana.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    asked = {name for expression in expressions for name in re.findall(r"rigbind_\w+", expression)}
    there = {sample.name for sample in scraped(fed(metrics).address)}
    assert asked <= there
    assert there - asked <= {"rigbind_stream_clock_faults"}
