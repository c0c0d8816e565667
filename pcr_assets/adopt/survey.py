"""What lies in a prefix, path by path: what fits, what is only recorded, what is left alone, and why."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from pcr_assets import layout
from pcr_assets.cards.names import is_picture, read_name
from pcr_assets.project_records.models import KNOWN
from pcr_assets.resources.artifacts import NUMBERED
from pcr_assets.resources.objects import spelled
from pcr_assets.resources.stored import Stored

NAMED = 5
"""Keys that a finding names one by one."""


class Verdict(StrEnum):
    """What adopting means for a path."""

    FITS = "fits"
    RECORDED = "recorded"
    LEFT = "left alone"
    UNFIT = "doesn't fit"


@dataclass(frozen=True)
class Finding:
    """One path of the layout, or one kind of file in it."""

    path: str
    verdict: Verdict
    reason: str
    objects: int = 0
    size: int = 0

    def __str__(self) -> str:
        amount = f"{self.objects:,} objects, {self.size / 1e6:,.1f} MB: " if self.objects else ""
        return f"{self.verdict:11}  {self.path}  {amount}{self.reason}"


LEFT_ALONE = {
    "data/processed/": "cleaned cards are kept as a Parquet shard for each card set, and are made anew from the scans",
    "data/calibration/": "calibration pictures are drawn anew, as uint8 and at the student's input size",
    "data/reference/": "the gallery is embedded anew, by the very model that will answer",
    "profiling/": "profiles stay where they are",
    "pipelines/": "written anew by pipelines; what is not ours in those places is kept below metadata/replaced/",
    "models/efficientnet-hailo/calibration/": "calibration pictures are drawn anew",
    **{
        f"{place}/": "older versions, which no pointer names: `make gc` tells which may go"
        for place in (layout.REPORT, layout.FIELD, layout.SELF_TEST, layout.PACKAGES)
    },
}
TAKEN = {
    "data/raw/": "photos, pictures to refuse, and the catalogue, where they have their usual names",
    f"{layout.FEEDBACK}/": "what devices sent",
    f"{layout.RELEASES}/": "releases and their parts",
    f"{layout.RUNS}/": "the log of runs",
    f"{layout.REPLACED}/": "what records replaced",
    layout.SENT_RUNS: "which runs CloudWatch was told of",
}
REPLACED = {
    "README.md": "written anew by project_readme",
    "metadata/project_manifest.json": "read for what it says of models, then written anew by project_manifest",
    f"{layout.EXPERIMENTS}/": "written anew by experiments_index",
    f"{layout.METRICS}/": "written anew by analytics_metrics",
    f"{layout.DASHBOARDS}/": "written anew by dashboard_config",
    f"{layout.COSTS}/": "written anew by cost_report",
}
KEPT = f"; what lies there now is kept below {layout.REPLACED}"


def survey(stored: Iterable[Stored], ours: frozenset[str]) -> list[Finding]:
    """The findings for a listing. ``ours``: keys that pointers of this pipeline name: those are not told of one by one."""
    groups: defaultdict[str, list[Stored]] = defaultdict(list)
    for entry in stored:
        groups[_group(entry.key, ours)].append(entry)
    found = []
    for path, entries in sorted(groups.items()):
        if path == layout.RAW:
            found += raw_cards(entries)
        elif path == OURS:
            found.append(_finding("published here", Verdict.FITS, "made by this pipeline", entries))
        elif path in REPLACED:
            found.append(_finding(path, Verdict.RECORDED, REPLACED[path] + KEPT, entries))
        elif path in TAKEN:
            found.append(_finding(path, Verdict.FITS, TAKEN[path], entries))
        elif path in LEFT_ALONE:
            found.append(_finding(path, Verdict.LEFT, LEFT_ALONE[path], entries))
        elif path == MODELS:
            continue  # told of version by version
        else:
            found.append(_finding(path, Verdict.LEFT, "no part of the layout", entries))
    return found


OURS, MODELS = "(ours)", "(versions of models)"


def _group(key: str, ours: frozenset[str]) -> str:
    if key in ours or key.endswith("/current.json"):
        return OURS
    if key.startswith(f"{layout.RAW}/"):
        return layout.RAW
    places = sorted([*TAKEN, *LEFT_ALONE, *REPLACED], key=len, reverse=True)
    if place := next((place for place in places if key.startswith(place)), None):
        return place
    folder, _, file = key.rpartition("/")
    if any(
        NUMBERED.match(folder.removeprefix(f"{known.place}/")) for known in KNOWN if key.startswith(f"{known.place}/")
    ):
        return MODELS
    return f"{'/'.join(folder.split('/')[:2])}/" if folder else file


def raw_cards(entries: list[Stored]) -> list[Finding]:
    """What the names of raw scans say: how many show a card, how many show one that another scan shows too, which fit not."""
    pictures = [entry for entry in entries if is_picture(entry.key)]
    named = {entry.key: read_name(entry.key) for entry in pictures}
    good = [entry for entry in pictures if named[entry.key]]
    shown = Counter(name.card_id for name in named.values() if name)
    shapes = Counter(_shape(entry.key) for entry in good)
    found = []
    if good:
        second = len(good) - len(shown)
        said = f"{len(shown):,} cards; {second:,} have a second scan" if second else f"{len(shown):,} cards"
        told = ", ".join(f"{count:,} {shape}" for shape, count in sorted(shapes.items()))
        found.append(_finding(layout.RAW, Verdict.FITS, f"{said}; {told}", good))
    for what, reason, is_it in _UNFIT:
        bad = [entry for entry in entries if is_it(entry, named.get(entry.key) is not None)]
        if bad:
            keys = ", ".join(spelled(entry.key.rpartition("/")[2]) for entry in bad[:NAMED])
            more = f" and {len(bad) - NAMED:,} more" if len(bad) > NAMED else ""
            found.append(_finding(f"{layout.RAW} ({what})", Verdict.UNFIT, f"{reason}: {keys}{more}", bad))
    return found


_UNFIT: list[tuple[str, str, Callable[[Stored, bool], bool]]] = [
    (
        "names",
        "the name says no card, and a row of cards.csv is needed",
        lambda entry, named: is_picture(entry.key) and not named,
    ),
    (
        "no pictures",
        "left out, unless it is a catalogue",
        lambda entry, named: not is_picture(entry.key) and not entry.key.endswith("cards.csv"),
    ),
    ("empty", "zero bytes: upload it again", lambda entry, named: is_picture(entry.key) and not entry.size),
]


def _shape(key: str) -> str:
    """Which of the two shapes a name has: ``base1-4_Charizard`` or ``Charizard-en_base_base1_4_high``."""
    stem = key.rpartition("/")[2].rpartition(".")[0]
    return "with the card's id first" if read_name(f"{stem.partition('_')[0]}.png") else "with the card's name first"


def _finding(path: str, verdict: Verdict, reason: str, entries: list[Stored]) -> Finding:
    return Finding(path, verdict, reason, len(entries), sum(entry.size for entry in entries))
