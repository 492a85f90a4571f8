"""Every class in sensors/ and operators/ that has a protocol's methods keeps its promises; there are no exemptions."""

import pytest
from checks import PROTOCOLS, Check, Protocol, parts

PARTS = list(parts("sensors", "operators"))

PROMISES = [
    pytest.param(part, check, id=f"{part.__module__}.{part.__name__}-{check.__name__}")
    for protocol in PROTOCOLS
    for part in PARTS
    if protocol.matches(part)
    for check in protocol.checks
]


@pytest.mark.parametrize(("part", "check"), PROMISES)
def test_part_keeps_its_promise(part: type, check: Check) -> None:
    check(part)


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
def test_every_protocol_has_parts(protocol: Protocol) -> None:
    assert any(protocol.matches(part) for part in PARTS)
