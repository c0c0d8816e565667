"""A ratio: something of ours beside a named peer or limit, measured in the same run. What all benchmarks have in common."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Ratio:
    """Ours divided by the peer's. ``better``: whether a smaller or a larger one is; ``asked``: what is to be reached."""

    what: str
    against: str
    value: float
    better: Literal["lower", "higher"] = "lower"
    asked: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The ratio as benchmarks write it into the list ``ratios`` of their result."""
        return {**asdict(self), "value": round(self.value, 4)}


@dataclass(frozen=True)
class Spread:
    """One ratio over several runs."""

    what: str
    against: str
    better: str
    asked: float | None
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle of all runs."""
        return statistics.median(self.values)

    @property
    def reached(self) -> bool | None:
        """Whether the median is what was asked; None where nothing was."""
        if self.asked is None:
            return None
        return self.median <= self.asked if self.better == "lower" else self.median >= self.asked

    def beside(self, before: "Spread | None") -> str:
        """How this differs from an earlier spread: ``new``, ``same`` while the ranges meet, ``better`` or ``worse``."""
        if before is None:
            return "new"
        if max(self.values) >= min(before.values) and min(self.values) <= max(before.values):
            return "same"
        return "better" if (self.median < before.median) == (self.better == "lower") else "worse"

    def as_json(self) -> dict[str, Any]:
        """The spread as the report keeps it."""
        return {**asdict(self), "values": list(self.values)}


def gathered(runs: Sequence[Iterable[Mapping[str, Any]]]) -> list[Spread]:
    """The spread of each ratio over the runs of one benchmark, in the order of the first run."""
    values: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for run in runs:
        for ratio in run:
            values.setdefault((ratio["what"], ratio["against"]), []).append(ratio)
    return [
        Spread(what, against, found[0]["better"], found[0]["asked"], tuple(ratio["value"] for ratio in found))
        for (what, against), found in values.items()
    ]


def spread_from(said: Mapping[str, Any]) -> Spread:
    """A spread as an earlier report kept it."""
    return Spread(**{**said, "values": tuple(said["values"])})


def write(result: Mapping[str, Any], ratios: Iterable[Ratio], output: Path) -> None:
    """Write a benchmark's result, its ratios last."""
    output.parent.mkdir(parents=True, exist_ok=True)
    said = {**result, "ratios": [ratio.as_json() for ratio in ratios]}
    output.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
