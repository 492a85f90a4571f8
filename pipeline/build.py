"""``use = "module:Name"`` and parameters become an object; a typo or a wrong type is told with its place."""

import inspect
from collections.abc import Iterator
from difflib import get_close_matches
from importlib import import_module
from typing import Any, get_type_hints

import msgspec

from pipeline.config import Part
from pipeline.errors import ConfigError


def build(part: Part, place: str, **given: Any) -> Any:
    """Construct ``part``; of ``given``, what its constructor asks for and the file leaves open goes in too.

    Raise ConfigError naming ``place`` for an unknown name, an unknown parameter, a wrong type, or
    values that the constructor refuses with ValueError or OSError.

    >>> build(Part("fractions:Fraction", {"numerator": 3}), "demo")
    Fraction(3, 1)
    """
    mistakes = list(check(part, place))
    if mistakes:
        raise ConfigError(mistakes)
    factory = find(part, place)
    hints = _hints(factory)
    params = {name: value for name, value in given.items() if name in _parameters(factory)}
    params |= {name: msgspec.convert(value, hints.get(name, Any)) for name, value in part.params.items()}
    try:
        return factory(**params)
    except (ValueError, OSError) as error:
        raise ConfigError([f"{place}: {part.use}: {error}"]) from error


def check(part: Part, place: str) -> Iterator[str]:
    """Say all that is wrong with ``part``, without constructing it."""
    try:
        factory = find(part, place)
    except ConfigError as error:
        yield from error.mistakes
        return
    parameters, hints = _parameters(factory), _hints(factory)
    for name, value in part.params.items():
        where = f"{place}.params.{name}"
        if name not in parameters:
            close = get_close_matches(name, parameters, 1)
            yield f"{where}: {part.use} has no such parameter; " + (
                f"did you mean `{close[0]}`?" if close else f"it has {', '.join(parameters) or 'none'}"
            )
            continue
        try:
            msgspec.convert(value, hints.get(name, Any))
        except msgspec.ValidationError as error:
            yield f"{where}: {error}: {value!r}"


def find(part: Part, place: str) -> Any:
    """Return what ``part.use`` names. Raise ConfigError if it is not there."""
    module_name, colon, name = part.use.partition(":")
    if not colon or not name:
        raise ConfigError([f"{place}.use: {part.use!r} is not of the form 'module:Name'"])
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise ConfigError([f"{place}.use: {part.use!r}: {error}"]) from error
    try:
        return getattr(module, name)
    except AttributeError:
        names = [n for n, thing in vars(module).items() if inspect.isclass(thing) or inspect.isfunction(thing)]
        close = get_close_matches(name, names, 1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigError([f"{place}.use: {part.use!r}: module {module_name} has no {name!r}{hint}"]) from None


def _parameters(factory: Any) -> list[str]:
    return list(inspect.signature(factory).parameters)


def _hints(factory: Any) -> dict[str, Any]:
    return get_type_hints(factory.__init__ if inspect.isclass(factory) else factory)
