"""Which engine makes the pieces of a long step: this process, one after the other, or the nodes of a Ray cluster."""

import os
from collections.abc import Sequence

from pcr_assets.resources.engine import Engine, EngineError, Here

VARIABLE = "PCR_ENGINE"
NAMES = ("local", "ray")


def engine_name(name: str = "") -> str:
    """The engine's name, else that of ``PCR_ENGINE``, else ``local``. Raises EngineError for one that there isn't."""
    name = name or os.environ.get(VARIABLE) or NAMES[0]
    if name not in NAMES:
        raise EngineError(f"{VARIABLE} is {name}: write one of {', '.join(NAMES)}")
    return name


def engine(name: str, roots: Sequence[str]) -> Engine:
    """The engine of this name. ``roots``: the stores, by folder or URL, that its tasks read and write. Raises EngineError."""
    if engine_name(name) == "local":
        return Here()
    from pcr_assets.resources.ray_engine import OnRay  # Ray is not imported where nobody asked for it

    return OnRay(roots)
