"""Calls are checked against hailo_contract.json before the double does anything."""

import functools
import inspect
import json
from pathlib import Path

CONTRACT = json.loads((Path(__file__).parents[2] / "hailo_contract.json").read_text())


def signature(method: str) -> inspect.Signature:
    """The signature that the contract gives a method of ClientRunner, ``self`` included."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter("self", kind)]
    for name, *default in CONTRACT["methods"][method]["parameters"]:
        parameters.append(inspect.Parameter(name, kind, default=default[0] if default else inspect.Parameter.empty))
    return inspect.Signature(parameters)


def enforced(method):
    """Bind the arguments as the contract says, check the state, call, and move to the state that the call leaves."""
    rules = CONTRACT["methods"][method.__name__]
    expected = signature(method.__name__)

    @functools.wraps(method)
    def checked(*args, **kwargs):
        bound = expected.bind(*args, **kwargs)  # raises TypeError, as a real call would
        bound.apply_defaults()
        runner, arguments = args[0], dict(bound.arguments)
        del arguments["self"]
        if rules["states"] is not None and runner.state not in rules["states"]:
            raise RuntimeError(f"{method.__name__} needs the state {' or '.join(rules['states'])}, not {runner.state}")
        result = method(runner, **arguments)
        runner.state = rules.get("leaves", getattr(runner, "state", None))
        return result

    checked.__signature__ = expected  # type: ignore[attr-defined]
    return checked
