"""The log of runs: one small file for each training or compilation that ended, ``experiments/runs/<asset>/<when>-<digest>.json``.

An artifact holds no clock time, so that the same work gives the same bytes. When it was made, how long that took, on what
and with which settings stands here instead, beside the artifacts: written once, never changed, read by the project's
records. Money that was spent twice for the same weights stands here twice.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from pcr_assets import digests, layout
from pcr_assets.resources.artifacts import AT_ONCE, Artifact
from pcr_assets.resources.side_by_side import side_by_side
from pcr_assets.resources.store import Store, StoreError

BEGAN = "began.json"


@dataclass(frozen=True)
class Run:
    """One run that ended. Times are UTC, in ISO 8601; ``billed_seconds`` and ``hardware["instance"]`` are None at home."""

    asset: str
    artifact: str
    version: str
    digest: str
    started: str
    ended: str
    seconds: float
    """Of all attempts; one that was killed counts up to the last file it wrote."""
    attempts: int = 1
    billed_seconds: float | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    made_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def instance(self) -> str | None:
        """The type of the rented machine, or None."""
        return self.hardware.get("instance")

    @property
    def seconds_to_pay(self) -> float:
        """What was billed; where nothing was, what it took."""
        return self.seconds if self.billed_seconds is None else self.billed_seconds

    @property
    def key(self) -> str:
        """Where it is kept: sorted by time below its asset."""
        stamp = self.started.replace(":", "").replace("-", "")
        return f"{layout.RUNS}/{self.asset}/{stamp}-{self.digest[:8]}.json"


class Stopwatch:
    """Measures a run from here on; a run that goes on in the scratch folder of a killed one counts that one too. What it took is no
    difference of two times of day: a clock that is set meanwhile would add hours, or take them."""

    def __init__(self, work: Path):
        self._file, now = work / BEGAN, time.time()
        before = self._earlier(work)
        self._attempts = before["attempts"] + 1
        self._started = before["started"] or now
        self._spent = before["spent"]
        self._began = monotonic()
        self._file.write_text(
            json.dumps({"attempts": self._attempts, "started": self._started, "spent": self._spent, "now": now})
        )

    def _earlier(self, work: Path) -> dict[str, Any]:
        try:
            held = json.loads(self._file.read_text())
            last_sign = max(path.stat().st_mtime for path in work.rglob("*") if path.is_file())
            spent = held["spent"] + max(0.0, last_sign - held["now"])
            return {"attempts": int(held["attempts"]), "started": float(held["started"]), "spent": float(spent)}
        except (OSError, ValueError, KeyError, TypeError):
            return {"attempts": 0, "started": None, "spent": 0.0}

    def ended(self, asset: str, artifact: Artifact, **about: Any) -> Run:
        """The run that ends now and made ``artifact``; ``about`` are more fields of :class:`Run`."""
        end = time.time()
        self._file.unlink(missing_ok=True)
        return Run(
            asset=asset,
            artifact=artifact.name,
            version=artifact.version,
            digest=artifact.digest,
            started=stamp(self._started),
            ended=stamp(end),
            seconds=round(self._spent + monotonic() - self._began, 1),
            attempts=self._attempts,
            **about,
        )


def stamp(seconds: float) -> str:
    """A moment in seconds since 1970 as ``2026-01-10T13:31:34Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keep(store: Store, run: Run) -> None:
    """Add a run to the log. A run that is there already stays as it is."""
    store.create(run.key, digests.canonical_json(asdict(run)))


def logged(store: Store) -> list[Run]:
    """All runs, the oldest first. Raises StoreError for a file that is no run."""
    keys = [entry.key for entry in store.list(layout.RUNS) if entry.key.endswith(".json")]
    found = []
    for key, data in zip(keys, side_by_side(store.read, keys, AT_ONCE), strict=True):
        try:
            found.append(Run(**json.loads(data)))
        except (ValueError, TypeError) as error:
            raise StoreError(f"{store.root}/{key} is no record of a run ({error}): mend or remove it") from error
    return sorted(found, key=lambda run: (run.started, run.asset, run.digest))
