"""Calls are checked against hailort_contract.json before the double does anything."""

import functools
import inspect
import json
from pathlib import Path

CONTRACT = json.loads((Path(__file__).parents[2] / "hailort_contract.json").read_text())


def parameters(place: str, method: str) -> list[inspect.Parameter]:
    """What the contract lets a method take, without ``self``; a name with a star is given by name only."""
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        inspect.Parameter(
            name.lstrip("*"),
            kinds[not name.startswith("*")],
            default=default[0] if default else inspect.Parameter.empty,
        )
        for name, *default in CONTRACT["methods"][place][method]
    ]


def listed(cls: type) -> type:
    """A class whose methods are called as the contract has them, and which has no others."""
    place = cls.__qualname__
    rules = CONTRACT["methods"].get(place, {})
    public = {name for name, value in vars(cls).items() if callable(getattr(value, "__func__", value))}
    public = {name for name in public if not name.startswith("_") and not isinstance(vars(cls)[name], type)}
    wanted = set(rules) - {"__init__"}
    if public != wanted:
        raise AssertionError(f"{place} has {sorted(public)}, the contract {sorted(wanted)}")
    for method in rules:
        setattr(cls, method, _bound(place, method, vars(cls)[method]))
    return cls


def _bound(place: str, name: str, method):
    kind = type(method) if isinstance(method, classmethod | staticmethod) else None
    function = method.__func__ if kind else method
    first = [] if kind is staticmethod else [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    expected = inspect.Signature([*first, *parameters(place, name)])

    @functools.wraps(function)
    def checked(*args, **kwargs):
        bound = expected.bind(*args, **kwargs)  # raises TypeError, as a real call would
        bound.apply_defaults()
        return function(*bound.args, **bound.kwargs)

    checked.__signature__ = expected  # type: ignore[attr-defined]
    return kind(checked) if kind else checked
