"""A line in Prometheus: what it counts and how it is doing, as text at ``/metrics``.

All numbers of one answer are of one window, so that for each topic the sum of ``rigbind_samples_total`` over its
causes and ``rigbind_samples_in_flight`` is ``rigbind_samples_sent_total``, exactly. The cause ``gap`` falls again where
a sample that was taken for lost still comes: ask for its ``delta``, not its ``rate``.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Thread
from typing import get_args

import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline.config import Security
from pipeline.health import Health
from pipeline.messages import Event, Observation, Received, State
from pipeline.monitor.access import Access, token_for
from pipeline.monitor.board import Board, Snapshot, Stream

STATES: tuple[str, ...] = get_args(State)
QUANTILES = (0.5, 0.9, 0.99)


class Metrics:
    """A viewer that serves ``/metrics`` on ``port`` of ``host``; port 0 is any that is free.

    Off loopback it wants a token as ``Authorization: Bearer``, from ``token_file``, or security.insecure. Raise OSError
    where it cannot listen.
    """

    def __init__(
        self,
        port: int = 9464,
        host: str = "127.0.0.1",
        token_file: str = "",
        security: Security | None = None,
    ) -> None:
        token = token_for(host, Path(token_file) if token_file else None, bool(security and security.insecure))
        self._board = Board()
        self._socket = _listen(host, port)
        self.address = f"http://{host}:{self._socket.getsockname()[1]}/metrics"
        app = Access(Starlette(routes=[Route("/metrics", exposition(self._board))]), token, [host])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="metrics", daemon=True)
        self._thread.start()

    def watch(self, health: Callable[[], Health]) -> None:
        """Ask ``health`` whenever an observation is shown."""
        self._board.watch(health)

    def sample(self, received: Received) -> None:
        """Note when it came."""
        self._board.sample(received)

    def show(self, observation: Observation) -> None:
        """Keep what it counts."""
        self._board.show(observation)

    def write(self, event: Event) -> None:
        """Count ``event``."""
        self._board.write(event)

    def close(self) -> None:
        """Serve no more."""
        self._server.should_exit = True
        self._thread.join(5)
        self._socket.close()


def exposition(board: Board) -> Callable[[Request], Response]:
    """Return an endpoint that tells what ``board`` knows, as Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(Collector(board))

    def metrics(request: Request) -> Response:
        return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return metrics


class Collector:
    """Makes Prometheus's numbers of one snapshot of a board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """Yield every metric of this moment."""
        now = self._board.snapshot()
        yield from _streams(now)
        yield from _line(now.health)
        yield from _events(now)


def _streams(now: Snapshot) -> Iterator[Metric]:
    def gauge(name: str, told: str, of: Callable[[Stream], float]) -> Metric:
        metric = GaugeMetricFamily(f"rigbind_{name}", told, labels=["topic"])
        for topic, stream in now.streams.items():
            metric.add_metric([topic], of(stream))
        return metric

    def counter(name: str, told: str, of: Callable[[Stream], float]) -> Metric:
        metric = CounterMetricFamily(f"rigbind_{name}", told, labels=["topic"])
        for topic, stream in now.streams.items():
            metric.add_metric([topic], of(stream))
        return metric

    samples = CounterMetricFamily("rigbind_samples", "Samples by what became of them.", labels=["topic", "cause"])
    states = GaugeMetricFamily("rigbind_stream_state", "1 for the state a stream is in.", labels=["topic", "state"])
    for topic, stream in now.streams.items():
        for cause, number in stream.ends.items():
            samples.add_metric([topic, cause], number)
        for state in STATES:
            states.add_metric([topic, state], stream.state == state)
    yield samples
    yield states
    yield counter("samples_sent", "Samples that were sent, those that never came included.", lambda one: one.sent)
    yield counter("sender_restarts", "Times that a sender started anew.", lambda one: one.restarts)
    yield gauge("samples_in_flight", "Samples that came and have met no end yet.", lambda one: one.in_flight)
    yield gauge("stream_rate_hertz", "Samples a second, over five.", lambda one: one.rate_hz)
    yield gauge("stream_age_seconds", "Since the newest sample came; -1 before the first.", lambda one: one.age_s)
    yield gauge("stream_delay_seconds", "From the newest sample's stamp to its receipt.", lambda one: one.delay_s)
    yield gauge("stream_coverage_ratio", "Share of the newest window that samples cover.", lambda one: one.coverage)
    yield gauge("stream_clock_faults", "What is wrong with a stream's stamps.", lambda one: len(one.clocks))
    yield gauge("attention_weight", "How much a topic spoke for the newest window.", lambda one: one.weight)


def _line(health: Health) -> Iterator[Metric]:
    yield CounterMetricFamily("rigbind_windows", "Windows observed.", value=health.windows)
    yield CounterMetricFamily("rigbind_windows_skipped", "Windows that found too many under way.", value=health.skipped)
    latency = GaugeMetricFamily("rigbind_latency_seconds", "Of recent windows, by stage.", labels=["stage", "quantile"])
    for stage, times in health.latency_ms.items():
        for quantile, ms in zip(QUANTILES, _quantiles(times), strict=True):
            latency.add_metric([stage, f"{quantile:g}"], ms / 1e3)
    yield latency
    faults = CounterMetricFamily(
        "rigbind_embeddings_missing", "Embeddings that an encoder did not give.", labels=["modality", "cause"]
    )
    for name, number in health.faults.items():
        modality, _, cause = name.partition(" ")
        faults.add_metric([modality, cause], number)
    yield faults
    unrecorded = CounterMetricFamily("rigbind_samples_unrecorded", "Not in the recording.", labels=["topic"])
    for topic, number in health.unrecorded.items():
        unrecorded.add_metric([topic], number)
    yield unrecorded


def _events(now: Snapshot) -> Iterator[Metric]:
    labels = ["label", "source", "severity"]
    opened = CounterMetricFamily("rigbind_events", "Events that opened.", labels=labels)
    going_on = GaugeMetricFamily("rigbind_events_going_on", "Events that are open now.", labels=labels)
    for tally in now.events:
        kind = [tally.label, tally.source, tally.severity]
        opened.add_metric(kind, tally.opened)
        going_on.add_metric(kind, tally.going_on)
    yield opened
    yield going_on
    scores = GaugeMetricFamily("rigbind_score", "What operators make of the newest window.", labels=["source", "name"])
    for path, score in now.scores.items():
        source, _, name = path.partition("/")
        scores.add_metric([source, name], score)
    yield scores
    yield GaugeMetricFamily("rigbind_window_end_seconds", "When the newest window ended.", value=now.end / 1e9)


def _quantiles(times: Sequence[float]) -> list[float]:
    ordered = sorted(times)
    return [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in QUANTILES]


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OSError(f"metrics cannot be served at {host}:{port}: {error}") from error
