"""Parts are built from their dotted names; what does not fit is told with its place."""

from typing import Any

import pytest

from pipeline.build import build
from pipeline.config import Part
from pipeline.errors import ConfigError


class Lamp:
    """A part of the tests' own."""

    def __init__(self, colour: str = "red", watts: float = 5.0, address: str = "") -> None:
        if watts < 0:
            raise ValueError(f"watts {watts} is negative")
        self.colour = colour
        self.watts = watts
        self.address = address


def lamp(**params: Any) -> Part:
    return Part("test_build:Lamp", params)


def test_params_reach_the_constructor() -> None:
    built = build(lamp(colour="green", watts=3), "place")
    assert (built.colour, built.watts) == ("green", 3.0)
    assert isinstance(built.watts, float)


def test_given_values_fill_what_the_file_leaves_open() -> None:
    assert build(lamp(), "place", address="here", unknown=1).address == "here"
    assert build(lamp(address="there"), "place", address="here").address == "there"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Part("Lamp"), "op.use: 'Lamp' is not of the form 'module:Name'"),
        (Part("no_such_module:Lamp"), "op.use: 'no_such_module:Lamp': No module named 'no_such_module'"),
        (
            Part("test_build:Lmap"),
            "op.use: 'test_build:Lmap': module test_build has no 'Lmap'; did you mean 'Lamp'?",
        ),
        (lamp(color="x"), "op.params.color: test_build:Lamp has no such parameter; did you mean `colour`?"),
        (lamp(watts="x"), "op.params.watts: Expected `float`, got `str`: 'x'"),
        (lamp(watts=-1), "op: test_build:Lamp: watts -1.0 is negative"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(part: Part, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(part, "op")
    assert caught.value.mistakes == (told,)
