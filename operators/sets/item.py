"""One thing of a set: what each sense recorded of it, and what is known about it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

from msgspec import Struct

from pipeline.messages import Clip


class Item(Struct, frozen=True, kw_only=True):
    """Seen by one sense, or by several at once, which is a pair.

    ``senses`` gives the clips of each modality when they are asked for; reading them may raise OSError or ValueError,
    which name the file. ``label`` is the class in the set's own words, ``captions`` are sentences that describe the
    thing, and ``group`` names what must not be torn between learning and testing, such as the recording it is from.
    ``is_elsewhere`` says that it is of another folder than what is tested, the only one that may be learned from.
    """

    name: str
    senses: Mapping[str, Callable[[], Sequence[Clip]]]
    label: str = ""
    captions: tuple[str, ...] = ()
    group: str = ""
    is_elsewhere: bool = False


def split(items: Iterable[Item], share: float) -> tuple[list[Item], list[Item]]:
    """Return what to learn from, about ``share`` of the groups, and the rest; the same on every machine.

    Of the groups that hold the same classes of the same senses each half gets its part, by a hash of their names.

    >>> item = Item(name="a", senses={}, group="flight 1")
    >>> split([item], share=1.0)[0] == [item]
    True
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group or item.name, []).append(item)
    learned: list[Item] = []
    tested: list[Item] = []
    for number, name in enumerate(sorted(groups, key=lambda name: (_kinds(groups[name]), _hash(name)))):
        (learned if int((number + 1) * share) > int(number * share) else tested).extend(groups[name])
    return learned, tested


def _kinds(group: Iterable[Item]) -> list[tuple[str, list[str]]]:
    return sorted({item.label: (item.label, sorted(item.senses)) for item in group}.values())


def _hash(name: str) -> bytes:
    return sha256(name.encode()).digest()
