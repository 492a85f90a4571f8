"""Messages of any type as the numbers in them, for a modality of a rig's own."""

from collections.abc import Iterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np

from pipeline.logs.raw import MessageError
from pipeline.messages import Array

SAMPLE = "rigbind_msgs/msg/Sample"
"""What our own recordings keep such a sample in, exactly."""

BESIDE = (
    "std_msgs/msg/Header",
    "std_msgs/msg/MultiArrayLayout",
    "builtin_interfaces/msg/Time",
    "builtin_interfaces/msg/Duration",
)
"""Parts of messages whose numbers are no readings."""


def numbers(type_: str, message: Any, shape: tuple[int, ...]) -> Array:
    """Return the readings of one message, of ``shape``; those of our own recordings are as they were sent.

    Of another type they are all its numbers as float64, in the order of its definition, without header and text: of a
    geometry_msgs/WrenchStamped fx fy fz tx ty tz. Raise MessageError where they do not make ``shape``.
    """
    if type_ == SAMPLE:
        return _as_sent(message)
    found = list(_numbers(message))
    values = np.concatenate(found) if found else np.zeros(0)
    if values.size != np.prod(shape):
        raise MessageError("shape", f"the message has {values.size} numbers, the channel asks for {list(shape)}")
    return values.reshape(shape)


def _as_sent(message: Any) -> Array:
    try:
        sent: Array = np.asarray(message.data).view(message.dtype).reshape(tuple(message.shape))
    except (TypeError, ValueError) as error:
        raise MessageError("sizes", f"its bytes are no {message.dtype} {list(message.shape)}: {error}") from error
    return sent


def _numbers(thing: Any) -> Iterator[Array]:
    if isinstance(thing, bool | int | float | np.ndarray):
        yield np.ravel(thing).astype(np.float64)
    elif isinstance(thing, list):
        for each in thing:
            yield from _numbers(each)
    elif isinstance(thing, SimpleNamespace):  # of protobuf or JSON
        for name, value in vars(thing).items():
            if name not in ("timestamp", "header"):
                yield from _numbers(value)
    elif getattr(thing, "__msgtype__", BESIDE[0]) not in BESIDE:
        for field in fields(thing):
            yield from _numbers(getattr(thing, field.name))
