"""Whether devices find the metadata that lead to a release: a file that somebody deleted, or that half a copy lacks, is told by
nobody else before a device asks for it.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from pcr_assets import layout
from pcr_assets.resources.side_by_side import side_by_side
from pcr_assets.resources.store import Missing, Store

AT_ONCE = 8
MOST_ROOTS = 256
"""As many as python-tuf has a device follow. How many there are is asked of a file whose signatures nobody looks at here."""
FILE = re.compile(r"[0-9]{1,16}\.[a-z]+\.json")


def lost(store: Store) -> list[str]:
    """The keys of metadata that are gone from a store, or are no metadata; whether the others are to be believed is not asked.

    Those that ``timestamp.json`` leads to, every root up to the newest one, and that once more, as a person carries it to a device.
    """
    gone: list[str] = []

    def said(key: str, what: Callable[[dict[str, Any]], list[str]]) -> list[str]:
        try:
            return what(json.loads(store.read(key))["signed"])
        except (Missing, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            gone.append(key)
            return []

    def leads_to(key: str) -> list[str]:
        return said(key, lambda signed: [_key(meta["version"], file) for file, meta in signed["meta"].items()])

    def up_to(newest: dict[str, Any]) -> list[str]:
        return [_key(number, "root.json") for number in range(1, min(newest["version"], MOST_ROOTS) + 1)]

    roots = said(layout.ROOT_COPY, up_to)
    keys = [*roots, *(key for snapshot in leads_to(layout.TIMESTAMP) for key in leads_to(snapshot))]
    sizes = side_by_side(store.size, keys, AT_ONCE)
    return [*gone, *(key for key, size in zip(keys, sizes, strict=True) if not size)]


def _key(version: int, file: str) -> str:
    """Where a version of a role's metadata lies. Raises ValueError for what is no such file."""
    if not FILE.fullmatch(f"{version}.{file}"):
        raise ValueError(f"{version}.{file} is no file of metadata")
    return f"{layout.METADATA}/{version}.{file}"


def why_unsigned(store: Store) -> str:
    """A sentence about a store that holds no ``timestamp.json``, and the cure."""
    if any(not entry.key.endswith("/") for entry in store.list(layout.METADATA)):
        return f"{store.root}/{layout.TIMESTAMP} is gone: restore it from a backup; without one, `make refresh` signs it anew"
    return f"{store.root} has no metadata yet: `python -m pcr_assets.trust init`, or publish a release"
