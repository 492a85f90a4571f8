"""When what is learned all the time is fitted again: each thing at its own turn, so that no window pays for all."""

from zlib import crc32


def turn_of(name: str) -> int:
    """Return the turn of a name: always the same, and another one for most others."""
    return crc32(name.encode())


def next_fit(number: int, every: int, turn: int) -> int:
    """Return at how many things learned is fitted again what is fitted to ``number`` of them.

    While they are few, at twice as many at the latest; then once in ``every``, when it is its turn.

    >>> [next_fit(number, every=32, turn=7) for number in (2, 20, 25, 57)]
    [4, 25, 50, 89]
    """
    return min(2 * number, number + every - (number + turn) % every)
