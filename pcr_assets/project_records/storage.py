"""The store measured: bytes by kind of content and storage class, what is current of it, and what that costs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pcr_assets import layout
from pcr_assets.project_records.placing import is_record
from pcr_assets.project_records.price_table import PriceTable
from pcr_assets.resources.stored import FOLDER, Stored

GB = 1e9
KINDS = {
    "teacher": f"{layout.TEACHER}/",
    "student stage 1": f"{layout.STAGE1}/",
    "student stage 2": f"{layout.STAGE2}/",
    "student ONNX": f"{layout.ONNX}/",
    "student INT8": f"{layout.INT8}/",
    "Hailo HEF": f"{layout.HEF}/",
    "outline filter": f"{layout.OUTLINE_FILTER}/",
    "printing verifier": f"{layout.PRINTING_VERIFIER}/",
    "raw cards": "data/raw/",
    "field feedback": f"{layout.FEEDBACK}/",
    "processed cards": f"{layout.PROCESSED}/",
    "training snapshot": f"{layout.SNAPSHOT}/",
    "calibration": f"{layout.CALIBRATION}/",
    "reference": "data/reference/",
    "releases": f"{layout.RELEASES}/",
    "profiles": "profiling/",
    "experiments": "experiments/",
    "report": f"{layout.REPORT}/",
}
OTHER = "other"
GIVEN = ("data/raw/", f"{layout.FEEDBACK}/")
"""What people and devices bring: no pointer is ever made for it, and none of it is an older version of anything."""


@dataclass(frozen=True)
class Measured:
    """One kind of content in one storage class. Money is US dollars a month, None where no price is listed."""

    kind: str
    path: str
    storage_class: str
    objects: int
    size: int
    current_size: int
    usd_a_month: float | None


@dataclass(frozen=True)
class Storage:
    """The whole store."""

    measured: tuple[Measured, ...]
    sizes: Mapping[str, int]
    """Bytes by storage class."""

    @property
    def size(self) -> int:
        """All bytes."""
        return sum(entry.size for entry in self.measured)

    @property
    def usd_a_month(self) -> float:
        """What is known of the bill."""
        return round(sum(entry.usd_a_month or 0.0 for entry in self.measured), 4)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Storage classes for which no price is listed; a folder has none."""
        return tuple(sorted({m.storage_class for m in self.measured if m.usd_a_month is None} - {FOLDER}))


def measure(stored: Iterable[Stored], current: frozenset[str], prices: PriceTable) -> Storage:
    """Add a listing up. ``current``: keys that some pointer names. The records themselves are left out."""
    objects: defaultdict[tuple[str, str], int] = defaultdict(int)
    size: defaultdict[tuple[str, str], int] = defaultdict(int)
    live: defaultdict[tuple[str, str], int] = defaultdict(int)
    for entry in stored:
        if is_record(entry.key):
            continue
        place = (_kind(entry.key), entry.storage_class)
        objects[place] += 1
        size[place] += entry.size
        live[place] += entry.size if _is_live(entry.key, current) else 0
    measured = tuple(
        Measured(
            kind,
            KINDS.get(kind, ""),
            storage_class,
            objects[kind, storage_class],
            size[kind, storage_class],
            live[kind, storage_class],
            _cost(size[kind, storage_class], storage_class, prices),
        )
        for kind, storage_class in sorted(objects, key=lambda place: (-size[place], place))
    )
    by_class: defaultdict[str, int] = defaultdict(int)
    for part in measured:
        by_class[part.storage_class] += part.size
    return Storage(measured, dict(sorted(by_class.items())))


def _kind(key: str) -> str:
    return next((kind for kind, path in KINDS.items() if key.startswith(path)), OTHER)


def _is_live(key: str, current: frozenset[str]) -> bool:
    """Whether an object serves now: a pointer names it, or no pointer is ever made for such objects."""
    versioned = key.startswith(("models/", "data/", f"{layout.REPORT}/")) and not key.startswith(GIVEN)
    return not versioned or key in current or key.endswith("/current.json")


def _cost(size: int, storage_class: str, prices: PriceTable) -> float | None:
    price = prices.a_gb_month(storage_class)
    return None if price is None else round(size / GB * price, 6)
