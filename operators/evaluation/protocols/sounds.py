"""How the sets of sounds are tested."""

from collections.abc import Sequence

from operators.evaluation.anomaly_sounds import unlike_sounds
from operators.evaluation.caption_retrieval import caption_retrieval
from operators.evaluation.embedder import Embedder
from operators.evaluation.few_shot import few_shot, whole
from operators.evaluation.outcome import Outcome, together
from operators.evaluation.zero_shot import Sentences, classified, multi_label, scored
from operators.sets import audio_esc10, drone_motor_prop_audio
from operators.sets.item import Item

TEMPLATES = ("{}", "the sound of {}", "a recording of {}")


def esc10(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """All sounds, each the unit mean of 3 clips of 2 s (arXiv 2305.05665, section 4.1), against ten classes.

    Zero-shot ``top1`` by sentences, no label used; and linear probes on frozen vectors, where takes of one recording
    are never on both sides.
    """
    return _sounds(embedder, items, fit, audio_esc10.SENTENCES, "ESC-10 by text")


def motor(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """All sounds, with propeller or without: ``auroc`` and ``top1`` by sentences, linear probes, and ``watch_auroc`` of
    what watches raw signals and knows the sound with propeller alone.
    """
    by_text = _sounds(embedder, items, fit, drone_motor_prop_audio.SENTENCES, "propeller or none, by text")
    return together(by_text, unlike_sounds(items, fit, "prop"))


def esc50(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """All sounds of the five folds, each the unit mean of 3 clips of 2 s, against the names of fifty classes.

    The mean over folds of equal size is the share of all (arXiv 2305.05665, appendix B.1). Linear probes are learned
    from other recordings than are tested, within all folds.
    """
    return _sounds(embedder, items, fit, {}, "ESC-50 by text")


def audioset(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """Segments with any of 527 classes, by their names: the mean over classes of the average precision.

    Each segment is the unit mean of 3 clips of 2 s (arXiv 2305.05665, section 4.1). What nobody could fetch is not
    tested, so figures differ from paper to paper.
    """
    return multi_label(embedder, items, "audio", TEMPLATES, "AudioSet by text, best known classes")


def captions(embedder: Embedder, items: Sequence[Item], fit: Sequence[Item]) -> Outcome:
    """Every caption looks for its sound among all (``r1 r5 r10``), every sound for any of its captions (``back_…``).

    arXiv 2305.05665, section 4.2; no pair of sound and text is learned from.
    """
    return caption_retrieval(embedder, items, "audio")


def _sounds(
    embedder: Embedder, items: Sequence[Item], fit: Sequence[Item], sentences: Sentences, title: str
) -> Outcome:
    one = scored(embedder, items, "audio", sentences, TEMPLATES)
    learned = whole(embedder.embed(fit, "audio", "to learn from")) if fit else None
    probed = few_shot(whole(one.embedded), fit=learned, title=title.partition(" by")[0].rstrip(","))
    return together(classified(one, title), probed)
