"""One topic as a witness: what it noticed with each of its senses, each sample once although windows overlap."""

from bisect import bisect_right
from copy import copy
from operator import attrgetter

from operators.curve import Curve
from operators.salience import SENSES
from pipeline.messages import Clip, Sample


class Witness:
    """Makes curves of the clips of one topic."""

    def __init__(self, modality: str, num_chunks: int) -> None:
        self.modality = modality
        self.curves = {sense: Curve(num_chunks) for sense in SENSES[modality]}
        self._notices = {sense: copy(notice) for sense, notice in SENSES[modality].items()}  # some keep what they saw
        self._newest: Sample | None = None

    def listen(self, clip: Clip) -> None:
        """Take the samples of ``clip`` that no clip before had."""
        after = -1 if self._newest is None else self._newest.stamp
        new = clip.samples[bisect_right(clip.samples, after, key=attrgetter("stamp")) :]
        samples = new if self._newest is None else (self._newest, *new)
        if len(samples) < 2:
            self._newest = samples[-1]
            return
        for sense, notice in self._notices.items():
            self.curves[sense].add(notice(samples, clip.calibration))
        self._newest = samples[-1]
