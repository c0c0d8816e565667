"""Settings: one YAML profile, one section a step, each observed as an asset: a changed value is a changed input.

Run configuration is no part of Dagster's staleness; a section's digest is. ``PCR_PROFILE`` names a profile that this
package ships (``quick``, ``embedded``, ``gpu``, ``production``) or a YAML file of your own; ``extends`` names another one to
start from.

A mistake is found before work begins: :func:`load` refuses sections that nothing reads, :meth:`Settings.check` compares a
section with the type that reads it.
"""

import copy
import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache, reduce
from importlib import resources
from operator import getitem
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from yaml.constructor import ConstructorError

from edge_runtime.terminal import MOST_THREADS
from pcr_assets import digests

PROFILES = ("quick", "embedded", "gpu", "production")
LIMITS = "gates"
"""The section whose settings are numbers by name; it has no type of its own."""

AtLeast1 = Annotated[int, Field(ge=1)]
Threads = Annotated[int, Field(ge=1, le=MOST_THREADS)]
Sides = tuple[AtLeast1, AtLeast1]
"""Width and height, in pixels."""
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What drawn numbers follow from: generators take none below 0, and torch is given a million times this one."""


class Strict(BaseModel):
    """A section of a profile, a job file or a record: what it doesn't know it refuses, and nothing changes it afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SettingsError(Exception):
    """A profile can't be used; the message names the file and the cure."""


class Settings:
    """The sections of one profile."""

    def __init__(self, sections: dict[str, dict[str, Any]], source: str):
        self._sections = sections
        self.source = source

    def section(self, name: str) -> dict[str, Any]:
        """One section as plain JSON values. Raises :class:`SettingsError` when the profile lacks it."""
        try:
            return dict(self._sections[name])
        except KeyError as error:
            raise SettingsError(
                f"{self.source} has no section '{name}': add it, or start from `extends: embedded`"
            ) from error

    def digest(self, name: str) -> str:
        """The digest of one section: the data version of its config asset."""
        return digests.of_json(self.section(name))

    def check(self, name: str, kind: type) -> None:
        """Compare a section, or a part of one (``teacher.spec``), with the type that reads it.

        Raises :class:`SettingsError` with each mistake in it.
        """
        section, *inside = name.split(".")
        if wrong := mistakes(kind, reduce(getitem, inside, self.section(section)), name):
            raise SettingsError(f"{self.source}: {'; '.join(wrong)}")


def load(profile: str) -> Settings:
    """Read a profile by name or path, with what it extends below it. Raises :class:`SettingsError`."""
    return Settings(_merged(profile), profile)


def _merged(profile: str, above: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    if _place(profile) in map(_place, above):  # a path can be written in many ways
        raise SettingsError(
            f"{profile} extends itself ({' > '.join([*above, profile])}): start from `extends: embedded`"
        )
    own = _read(profile)
    base = own.pop("extends", None)
    if profile not in PROFILES:
        own = _known(own, profile)
    if base is None:
        return own
    if not isinstance(base, str):
        raise SettingsError(
            f"{profile}: extends: must name one of {', '.join(PROFILES)} or a YAML file, is {_shown(base)}"
        )
    if base.endswith((".yaml", ".yml")):
        base = str(Path(profile).parent / base)
    return _overlaid(_merged(base, (*above, profile)), own)


def _place(profile: str) -> str:
    return profile if profile in PROFILES else str(Path(profile).resolve())


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    """The embedded profile: it has every section, and every limit."""
    return _read("embedded")


def _known(sections: Mapping[str, Any], profile: str) -> dict[str, dict[str, Any]]:
    """The sections of somebody's own profile; one that is there without a setting in it changes nothing."""
    found = {name: {} if section is None else section for name, section in sections.items()}
    for name, section in found.items():
        if name not in _shipped():
            raise SettingsError(f"{profile}: {name}: no such section{_meant(name, _shipped())}")
        if not isinstance(section, dict):
            raise SettingsError(f"{profile}: {name}: must be a mapping of settings, is {_shown(section)}")
    for name, limit in found.get(LIMITS, {}).items():
        if name not in _shipped()[LIMITS]:
            raise SettingsError(f"{profile}: {LIMITS}.{name}: no such setting{_meant(name, _shipped()[LIMITS])}")
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise SettingsError(f"{profile}: {LIMITS}.{name}: must be a number, is {_shown(limit)}")
    return found


def mistakes(kind: type, value: Mapping[str, Any], where: str) -> list[str]:
    """What a pydantic model or a dataclass would refuse of a JSON value, a phrase each: ``stage2.phazes: no such setting``.

    A dataclass takes what it is given, so it is given values of the very types it names.
    """
    adapter = _adapter(kind)
    found: dict[str, list[str]] = {}
    if is_dataclass(kind):
        for name in value.keys() - {field.name for field in fields(kind)}:
            found[f"{where}.{name}"] = [f"no such setting{_meant_inside(kind, (name,))}"]
    try:
        if is_dataclass(kind):
            adapter.validate_json(json.dumps(value), strict=True)
        else:
            adapter.validate_python(value)
    except ValidationError as error:
        for entry in error.errors(include_url=False):
            if entry["type"] == "too_short" and len(entry["input"]) >= entry["ctx"]["min_length"]:
                continue  # pydantic counts those entries of a list that are right, and has named the others
            path = _path(where, entry["loc"], value, whole=entry["type"] in _OF_NAMES)
            found.setdefault(path, []).append(_in_words(entry, kind))
    return [f"{path}: {_joined(said)}" for path, said in found.items()]


def _joined(said: list[str]) -> str:
    """``must be 'head' or 'all', or a whole number, is "x"``: what all the types that a value may have say of it."""
    *others, last = said
    return ", or ".join(
        [*(phrase.partition(", is ")[0] for phrase in others), last.removeprefix("must be ") if others else last]
    )


_OF_NAMES = ("extra_forbidden", "missing")
_WORDS = {
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "too_short": "must have {min_length} entries or more",
    "too_long": "must have {max_length} entries or fewer",
    "string_too_long": "must have {max_length} characters or fewer",
    "string_pattern_mismatch": "must match {pattern}",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "string": "must be text",
    "tuple": "must be a list",
    "dict": "must be a mapping of settings",
    "model": "must be a mapping of settings",
}


def _in_words(entry: Any, kind: type) -> str:
    """One error of pydantic's as a phrase about the setting that it concerns; ``kind``: the type that refused."""
    wrong, value = entry["type"], entry["input"]
    if wrong == "extra_forbidden":
        return f"no such setting{_meant_inside(kind, entry['loc'])}"
    if wrong == "missing":
        return "is missing"
    if wrong == "value_error":
        return str(entry["ctx"]["error"])
    words = _WORDS.get(wrong) or _WORDS.get(wrong.partition("_")[0])
    said = words.format(**entry.get("ctx", {})) if words else entry["msg"].replace("should", "must")
    return f"{said}, is {_shown(value)}"


def _path(where: str, place: tuple[int | str, ...], value: Any, *, whole: bool) -> str:
    """``stage2.phases[0].learns``: a place as it is written in the profile. Pydantic adds the names of types it tried."""
    for key in place:
        inside = (isinstance(value, dict) and key in value) or (isinstance(value, list) and isinstance(key, int))
        if not (inside or whole):
            break
        where += f"[{key}]" if isinstance(key, int) else f".{key}"
        value = value[key] if inside and (isinstance(value, dict) or int(key) < len(value)) else None
    return where


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _meant_inside(kind: type, place: tuple[int | str, ...]) -> str:
    """Which setting of a type, or of a type inside it, was meant at a place that has none: by its path from there."""
    *above, name = map(str, place)
    paths = {path.rpartition(".")[2]: path for path in reversed(_paths(_adapter(kind).json_schema()))}
    close = difflib.get_close_matches(name, paths, n=1)
    here = "".join(f"{part}." for part in above if not part.isdigit())
    return f" (did you mean {paths[close[0]].removeprefix(here)}?)" if close else ""


def _paths(schema: Mapping[str, Any], inside: str = "", above: str = "") -> list[str]:
    """The paths of the settings of a JSON schema, or of a type ``inside`` it, such as ``phases.learning_rate``."""
    kinds: Mapping[str, Any] = schema.get("$defs", {})
    found = []
    for name, about in (kinds[inside] if inside else schema).get("properties", {}).items():
        found.append(f"{above}{name}")
        for kind in re.findall(r"#/\$defs/(\w+)", json.dumps(about)):
            found += _paths(schema, kind, f"{above}{name}.")
    return found


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _read(profile: str) -> dict[str, Any]:
    if profile in PROFILES:
        text = resources.files("pcr_assets").joinpath("profiles", f"{profile}.yaml").read_bytes()
    else:
        try:
            text = Path(profile).read_bytes()
        except OSError as error:
            raise SettingsError(f"no profile '{profile}': name one of {', '.join(PROFILES)} or a YAML file") from error
    try:
        found = copy.deepcopy(_parsed(text))
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        what = "" if isinstance(error, ConstructorError) else " is not YAML"
        raise SettingsError(f"{profile}{what}{line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{profile} is not YAML: it is no text") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{profile} holds no sections: it must be a mapping of section names to settings")
    return found


@lru_cache(maxsize=8)
def _parsed(text: bytes) -> Any:
    """Each step and each check reads the profile anew, and PyYAML takes 15 ms for ours: the same bytes say the same."""
    return yaml.load(text, _OnlyJson)  # noqa: S506  # a SafeLoader


class _OnlyJson(yaml.SafeLoader):
    """YAML whose values are those of JSON, for sections are digested as such. A setting that stands twice would count once, and
    nobody would be told which."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen: set[Any] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ConstructorError(None, None, f"'{key.value}' stands there twice", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return node

    def construct_yaml_float(self, node: Any) -> float:
        if not math.isfinite(value := float(super().construct_yaml_float(node))):
            raise ConstructorError(None, None, f"{node.value} is no number that a setting may be", node.start_mark)
        return value


_OnlyJson.add_constructor("tag:yaml.org,2002:float", _OnlyJson.construct_yaml_float)
_OnlyJson.add_constructor("tag:yaml.org,2002:timestamp", _OnlyJson.construct_yaml_str)
for _kind in ("binary", "omap", "pairs", "set"):
    _OnlyJson.add_constructor(f"tag:yaml.org,2002:{_kind}", _OnlyJson.construct_undefined)


def _overlaid(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _overlaid(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
