"""Foxglove's messages in protobuf and JSON, as objects with the fields of their ROS namesakes.

Bytes are (n,) uint8, and every timestamp has ``sec`` and ``nanosec``, as in ROS.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from pipeline.logs.raw import Connection, MessageError

TIMES = ("google.protobuf.Timestamp", "google.protobuf.Duration")


def protobuf_parser(connection: Connection) -> Callable[[bytes], Any]:
    """Return what parses messages by the descriptors in the log. Raise ValueError where they are none."""
    pool = DescriptorPool()
    try:
        for file in FileDescriptorSet.FromString(connection.schema).file:
            pool.AddSerializedFile(file.SerializeToString())
        kind = GetMessageClass(pool.FindMessageTypeByName(connection.type))
    except (DecodeError, KeyError, TypeError) as error:
        raise ValueError(f"its definition does not parse: {error}") from error

    def parse(data: bytes) -> Any:
        try:
            return _of_message(kind.FromString(data))
        except DecodeError as error:
            raise MessageError("decode", str(error)) from error

    return parse


def json_parser(connection: Connection) -> Callable[[bytes], Any]:
    """Return what parses messages; what their schema calls base64 becomes bytes. Raise ValueError for no schema."""
    try:
        properties = msgspec.json.decode(connection.schema or b"{}", type=dict[str, Any]).get("properties", {})
        packed = {name for name, told in properties.items() if told.get("contentEncoding") == "base64"}
    except (msgspec.DecodeError, AttributeError) as error:
        raise ValueError(f"its definition does not parse: {error}") from error

    def parse(data: bytes) -> Any:
        try:
            fields = msgspec.json.decode(data, type=dict[str, Any])
            for name in packed & set(fields):
                fields[name] = np.frombuffer(b64decode(fields[name], validate=True), np.uint8)
        except (msgspec.DecodeError, binascii.Error, TypeError, ValueError) as error:
            raise MessageError("decode", str(error)) from error
        return _of_value(fields)

    return parse


def _of_message(message: Message) -> Any:
    if message.DESCRIPTOR.full_name in TIMES:
        return SimpleNamespace(sec=message.seconds, nanosec=message.nanos)
    values = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    return SimpleNamespace(**{name: _of_value(value) for name, value in values.items()})


def _of_value(value: Any) -> Any:
    if isinstance(value, Message):
        return _of_message(value)
    if isinstance(value, bytes):
        return np.frombuffer(value, np.uint8)
    if isinstance(value, dict):
        renamed = {"nanosec" if name == "nsec" else name: _of_value(one) for name, one in value.items()}
        return SimpleNamespace(**renamed)
    if isinstance(value, str | int | float | np.ndarray) or value is None:
        return value
    return [_of_value(one) for one in value]
