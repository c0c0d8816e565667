"""Which way of recognising a card is worth its time: ours, hashes, local features, untrained and copy-detection networks?

    python benchmarks/recognition.py --cards DIR --photos DIR --store STORE [--queries N] [--strengths medium hard] [--only NAME …]

Everyone gets the same gallery (all scans of the store), the same test cards through the camera simulator (cut out at
252×352, every second one upside down), the same strangers and the same real photos, one after the other on one thread.
Prints tables, writes them as JSON and recall against time as a plot beside it. docs/recognition.md explains both.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
from contest import show, whole_photos
from contest.brute_force import brute_force
from contest.evidence import Evidence, Query, shown
from contest.measure import Answers, ask, crops_judged, judged, ms_to_add
from peers.base import Context, Entry, Missing, Peer
from peers.local_features import LocalFeatures
from peers.programme import chosen
from scorecard import places

from pcr_assets import layout
from pcr_assets.imaging.camera import STRENGTHS
from pcr_assets.resources.project import Project

RESULT = Path(__file__).parent / "results" / "recognition.json"
REFUSED = (*places.REFUSED, ValueError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask everyone, print, write."""
    given = _parser().parse_args(arguments)
    try:
        measure(given)
    except REFUSED as error:
        print(f"bench-recognition: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cards", required=True, help="folder of the raw scans; strangers lie beside it")
    parser.add_argument("--photos", help="folder of labelled photos (default: no real photos)")
    parser.add_argument("--store", required=True, help="store with a release of these cards")
    parser.add_argument("--strangers", help="pictures that must be refused (default: beside the cards)")
    parser.add_argument("--queries", type=int, default=200, help="test cards, and strangers, at each strength")
    parser.add_argument("--strengths", nargs="+", default=["medium", "hard"], choices=sorted(STRENGTHS))
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="methods or families whose name has this")
    parser.add_argument("--output", type=Path, default=RESULT)
    return parser


def measure(given: argparse.Namespace) -> None:
    """The whole benchmark. Raises one of REFUSED, each with a sentence for people."""
    cv2.setNumThreads(1)
    project, evidence = evidence_of(given)
    programme = chosen(given.only)
    queries = {strength: evidence.queries(strength, given.queries) for strength in given.strengths}
    strangers = {strength: evidence.strangers(strength, given.queries) for strength in given.strengths}
    crops, photos = evidence.photo_crops(), whole_photos.located(evidence)
    results, absent = [], []
    with TemporaryDirectory() as scratch:
        context = Context(releases_of(project), evidence.rows, Path(scratch))
        for entry in shown(programme, "methods"):
            try:
                peer = entry.make(context)
            except Missing as missing:
                absent.append(str(missing))
                continue
            results.append(_measured(entry, peer, evidence, queries, strangers, crops, photos))
            print(_summary(results[-1]), file=sys.stderr)
    if not results:
        raise ValueError("; ".join(dict.fromkeys(absent)))
    _report(given, evidence, results, list(dict.fromkeys(absent)))


def _measured(
    entry: Entry,
    peer: Peer,
    evidence: Evidence,
    queries: Mapping[str, Sequence[Query]],
    strangers: Mapping[str, Sequence[Query]],
    crops: Sequence[Query],
    photos: Sequence[whole_photos.Photo],
) -> dict[str, Any]:
    add = ms_to_add(peer, shown(evidence.gallery(), f"{entry.name}: gallery"))
    result: dict[str, Any] = {"name": entry.name, "family": entry.family, "source": entry.source, "ms_to_add": add}
    result |= {"bytes_per_card": peer.bytes_per_card, "strengths": {}}
    for strength, asked in queries.items():
        answers = _asked(peer, asked, f"{entry.name}: {strength}")
        strange = _asked(peer, strangers[strength], f"{entry.name}: strangers")
        result["strengths"][strength] = judged(answers, asked, strange, evidence)
    # Photos are judged at the strict threshold of the first, mildest strength: it has to be fixed before they are seen.
    strict = next(iter(result["strengths"].values()))["strict"]
    if crops:
        result["photo_crops"] = crops_judged(_asked(peer, crops, "photo crops"), crops, strict, evidence)
        if strict is not None:
            result["whole_photos"] = whole_photos.outcomes(
                peer, shown(photos, f"{entry.name}: whole photos"), strict, evidence
            )
    if isinstance(peer, LocalFeatures):
        result["brute_force"] = brute_force(peer, list(queries.values())[-1], evidence, add)
    return result


def _asked(peer: Peer, queries: Sequence[Query], what: str) -> Answers:
    return ask(peer, shown(queries, what))


def _summary(result: Mapping[str, Any]) -> str:
    recalls = ", ".join(f"{name} {100 * found['recall_at_1']:.1f} %" for name, found in result["strengths"].items())
    return f"{result['name']}: {recalls}"


def evidence_of(given: argparse.Namespace) -> tuple[Project, Evidence]:
    """The project of :func:`project_of`, and what everyone is asked. Raises one of REFUSED."""
    project = project_of(given)
    return project, Evidence(project, Path(given.photos) if given.photos else None)


def project_of(given: argparse.Namespace) -> Project:
    """The project that ``--cards``, ``--photos``, ``--strangers`` and ``--store`` name. Raises one of REFUSED."""
    folders = {name: getattr(given, name) for name in ("cards", "photos", "strangers")}
    for name, folder in folders.items():
        if not Path(folder or ".").is_dir() or (name == "cards" and not folder):
            raise ValueError(f"{name.upper()}={folder or ''} names no folder: give the one that holds the {name}")
    absolute = {name: str(Path(folder).absolute()) if folder else "" for name, folder in folders.items()}
    return Project(store=given.store, raw=absolute["cards"], strangers=absolute["strangers"])


def releases_of(project: Project) -> Path:
    """The folder of releases on this machine: a device reads a folder, not a bucket."""
    folder = Path(project.root.root, layout.RELEASES)
    if not folder.is_dir():
        raise ValueError(f"the store {project.root.root} holds no release on this machine: `make refresh` builds one")
    return folder


def _report(given: argparse.Namespace, evidence: Evidence, results: list[dict[str, Any]], absent: list[str]) -> None:
    hardest = given.strengths[-1]
    outcome = {
        "question": (__doc__ or "").splitlines()[0],
        "gallery": {"cards": len(evidence.known), "scans": len(evidence.cards)},
        "threads": 1,
        "methods": results,
        "absent": absent,
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(_rounded(outcome), indent=1, ensure_ascii=False) + "\n")
    picture = given.output.with_suffix(".png")
    show.plot(results, hardest, picture)
    print(f"gallery: {len(evidence.known)} cards, {len(evidence.cards)} scans")
    print(show.simulated(results, given.strengths))
    if "photo_crops" in results[0]:
        print(show.photos(results))
    for sentence in absent:
        print(f"not here: {sentence}")
    print(f"\nwritten to {given.output} and {picture}")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, list) else value


if __name__ == "__main__":
    # One thread for BLAS as well: it counts the cores when it is loaded, which the imports above have done already.
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    sys.exit(main())
