"""From a message's bytes to its fields, by the definition that the log itself carries."""

from collections.abc import Callable
from typing import Any

from rosbags.serde import SerdeError
from rosbags.typesys import Stores, TypesysError, get_types_from_idl, get_types_from_msg, get_typestore

from pipeline.logs.fields import json_parser, protobuf_parser
from pipeline.logs.raw import Connection, MessageError

Parse = Callable[[bytes], Any]
PARSERS: dict[str, Callable[[Connection], Parse]] = {"protobuf": protobuf_parser, "json": json_parser}
"""By how messages are packed, of what is not ROS's."""

_IDL_BREAK = "=" * 80 + "\nIDL: "  # before each file's name in a ros2idl schema (mcap.dev/spec/registry)


def parser(connection: Connection) -> Parse:
    """Return what turns a message of ``connection`` into an object with its fields.

    That raises MessageError for bytes that do not fit the definition. Raise ValueError where there is no way to parse,
    saying why.
    """
    if connection.encoding in PARSERS:
        return PARSERS[connection.encoding](connection)
    if connection.encoding not in ("ros1", "cdr"):
        raise ValueError(f"{connection.encoding or 'unnamed'} encoding is not read")
    try:
        store = get_typestore(Stores.EMPTY if connection.definition else Stores.LATEST)
        store.register(_types(connection))
        store.get_msgdef(connection.type)
    except (TypesysError, KeyError, ValueError) as error:
        raise ValueError(f"its definition does not parse: {error}") from error
    deserialize = store.deserialize_ros1 if connection.encoding == "ros1" else store.deserialize_cdr

    def parse(data: bytes) -> Any:
        try:
            return deserialize(data, connection.type)
        except SerdeError as error:
            raise MessageError("decode", str(error)) from error

    return parse


def _types(connection: Connection) -> dict[str, Any]:
    if not connection.definition:
        return {}
    if connection.syntax == "msg":
        return dict(get_types_from_msg(connection.definition, connection.type))
    parts = connection.definition.split(_IDL_BREAK)
    types: dict[str, Any] = {}
    for idl in parts if len(parts) == 1 else (part.partition("\n")[2] for part in parts if part):
        types.update(get_types_from_idl(idl))
    return types
