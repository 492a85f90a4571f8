"""Readings in tables and files by the time of each, as a source of samples; N = readings of one series."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.config import Channel
from pipeline.errors import LogError
from pipeline.logs.raw import MessageError
from pipeline.logs.source import UNDATED, Rejected, check_modality
from pipeline.logs.topic import Topic, timing
from pipeline.messages import FOREVER, MODALITIES, Array, Received, Sample

OWN = "numbers for a modality of your own"


class Series(NamedTuple):
    """One topic. ``modality`` is empty for numbers that only a modality of a rig's own can mean something by."""

    name: str
    type: str
    modality: str
    stamps: Array  # (N,) int64 nanoseconds, in any order
    load: Callable[[int], Array]  # the reading of that number; raises MessageError where there is none
    frame_id: str = ""
    skipped: str = ""


class SeriesLog:
    """Several series that were recorded together at ``path``; what was stamped before 2000 has no date.

    ``seq`` numbers the readings of each topic by their stamps, whatever part of them is read.
    """

    def __init__(self, path: Path, series: Sequence[Series]) -> None:
        first = min((int(one.stamps.min()) for one in series if one.stamps.size), default=0)
        self.is_dated = first >= UNDATED
        self.damage: LogError | None = None
        self._path = path
        shift = 0 if self.is_dated else UNDATED
        self._series = {one.name: _in_order(one, shift) for one in sorted(series, key=attrgetter("name"))}
        self.topics: Mapping[str, Topic] = {name: _topic(one) for name, (one, _) in self._series.items()}

    def read(
        self, channels: Mapping[str, Channel], start: int = 0, end: int = FOREVER
    ) -> Iterator[Received | Rejected]:
        for name, channel in channels.items():
            if channel.modality in MODALITIES:
                check_modality(self._path, self.topics[name], channel)
        return self._read(channels, start, end)

    def close(self) -> None:
        """Nothing stays open."""

    def _read(self, channels: Mapping[str, Channel], start: int, end: int) -> Iterator[Received | Rejected]:
        names = [name for name in self._series if name in channels]
        stamps_N = np.concatenate([self._series[name][0].stamps for name in names])
        which_N = np.concatenate([np.full(self._series[name][0].stamps.size, i) for i, name in enumerate(names)])
        seq_N = np.concatenate([np.arange(self._series[name][0].stamps.size) for name in names])
        order_N = np.argsort(stamps_N, kind="stable")
        first, last = np.searchsorted(stamps_N[order_N], (start, min(end, FOREVER - 1)))
        for place in order_N[first:last].tolist():
            name = names[which_N[place]]
            yield self._one(name, channels[name], int(seq_N[place]))

    def _one(self, name: str, channel: Channel, seq: int) -> Received | Rejected:
        series, order_N = self._series[name]
        stamp = int(series.stamps[seq])
        try:
            data = series.load(int(order_N[seq]))
            if channel.modality not in MODALITIES:
                data = _shaped(data, channel.calibration.shape)
        except MessageError as error:
            return Rejected(name, stamp, error)
        sample = Sample(topic=name, stamp=stamp, frame_id=series.frame_id, seq=seq, data=data)
        return Received(sample=sample, received=stamp)


def _in_order(series: Series, shift: int) -> tuple[Series, Array]:
    """Return the series with stamps in order, and the (N,) numbers by which to load its readings."""
    order_N = np.argsort(series.stamps, kind="stable")
    return series._replace(stamps=series.stamps[order_N] + shift), order_N


def _topic(series: Series) -> Topic:
    return Topic(
        name=series.name,
        type=series.type,
        count=series.stamps.size,
        num_bytes=0,
        modality="" if series.skipped else series.modality,
        skipped=series.skipped or ("" if series.modality else OWN),
        **timing(series.stamps.tolist())._asdict(),
    )


def _shaped(data: Array, shape: tuple[int, ...]) -> Array:
    if data.size != np.prod(shape):
        raise MessageError("shape", f"the reading has {data.size} numbers, the channel asks for {list(shape)}")
    return data.reshape(shape)
