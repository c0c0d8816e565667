"""What do 10⁵, 10⁶ and 10⁷ cards cost to store, to train on, and to bring to 1, 1,000 and 100,000 devices: on paper.

``python benchmarks/capacity.py --store STORE`` reads bytes per scan from the artifacts of a built store, what a release's
changes weigh from ``results/incremental.json``, and all that is assumed from ``capacity.yaml``, where each figure has its
source. It writes ``results/capacity.json`` and prints the tables of ``docs/scale.md``. Without ``--store`` the bytes of the
last time serve. Nothing of this size was built.
"""

import argparse
import itertools
import json
import math
import sys
from pathlib import Path
from typing import Any

import yaml

from pcr_assets import layout
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import StoreError

HERE = Path(__file__).parent
ASSUMED, RESULT, GROWTH = HERE / "capacity.yaml", HERE / "results/capacity.json", HERE / "results/incremental.json"
KEPT = {"processed cards": layout.PROCESSED, "embeddings": layout.EMBEDDINGS}
SHIPPED = {"index": layout.INDEX, "references": layout.REFERENCES}
MODELS = (layout.INT8, layout.ONNX, layout.OUTLINE_FILTER, layout.PRINTING_VERIFIER)
GB, MB = 1e9, 1e6
PART = 64 << 10
"""Bytes of a part of an archive, nine tenths of a release (docs/incremental.md): each is a request."""


def main(arguments: list[str]) -> int:
    """Measure, compute, write and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--store", help="a built store, whose bytes per scan are taken")
    options.add_argument("--results", type=Path, default=RESULT)
    given = options.parse_args(arguments)
    if not given.store and not given.results.exists():
        options.error(f"{given.results} is not there: name a built store with --store")
    assumed = yaml.safe_load(ASSUMED.read_text())
    try:
        measured = of_store(given.store) if given.store else json.loads(given.results.read_text())["measured"]
    except StoreError as error:
        options.error(str(error))
    growth = json.loads(GROWTH.read_text())["rows"]
    rows = {
        "gallery": [gallery(cards, assumed, measured, growth) for cards in assumed["cards"]],
        "training": [training(cards, assumed, measured) for cards in assumed["cards"]],
    }
    rows["delivery"] = [delivery(devices, size, assumed) for size in rows["gallery"] for devices in assumed["devices"]]
    given.results.write_text(json.dumps({"measured": measured, **rows}, indent=1) + "\n")
    print(tables(measured, rows))
    return 0


def of_store(root: str) -> dict[str, Any]:
    """Bytes per scan by what they are, and of the models, from the pointers of a store."""
    artifacts = Project(store=root).artifacts
    processed = artifacts.current(layout.PROCESSED).record
    scans = processed["scans"]
    per_scan = {name: artifacts.current(key).size / scans for name, key in {**KEPT, **SHIPPED}.items()}
    return {
        "cards": processed["cards"],
        "scans": scans,
        "bytes_per_scan": {name: round(size, 1) for name, size in per_scan.items()},
        "bytes_of_models": sum(artifacts.current(key).size for key in MODELS),
    }


def gallery(cards: int, assumed: Any, measured: Any, growth: list[Any]) -> dict[str, Any]:
    """What is stored, what a release is, and what changes from one to the next: from, to, in bytes."""
    scans = cards * measured["scans"] / measured["cards"]
    per_scan = measured["bytes_per_scan"]
    release = scans * sum(per_scan[name] for name in SHIPPED) + measured["bytes_of_models"]
    new = assumed["gallery"]["new_cards_a_month"]["value"] / assumed["gallery"]["releases_a_month"]["value"]
    least, most = changed(cards, new, growth)
    kept = assumed["gallery"]["kept_releases"]["value"]
    stored = scans * sum(per_scan.values()) + release + (kept - 1) * most
    built = max((row for row in growth if row["new"] == 0 and not row["made_up_vectors"]), key=lambda row: row["cards"])
    return {
        "cards": cards,
        "release_bytes": release,
        "changed_bytes": [least, most],
        "stored_bytes": stored,
        "storage_usd_month": stored / GB * assumed["prices"]["storage_gb_month"]["value"],
        "full_build_cpu_hours": cards * built["cpu_seconds"] / built["cards"] / 3600,
    }


def changed(cards: int, new: float, growth: list[Any]) -> tuple[float, float]:
    """Bytes that a device fetches for ``new`` cards in a gallery of ``cards``: from, to.

    Measured are galleries of up to 16,000. The lower figure goes on with the power law through the smallest and the largest
    of them, the upper one with the straight line through the two largest: what a longer list of parts would do.
    """
    sizes = sorted({round(row["cards"], -3) for row in growth if row["new"] == 0})
    at = {size: _at_size(size, new, growth) for size in sizes}
    first, second, last = sizes[0], sizes[-2], sizes[-1]
    power = math.log(at[last] / at[first]) / math.log(last / first)
    return at[last] * (cards / last) ** power, at[last] + (at[last] - at[second]) / (last - second) * (cards - last)


def _at_size(size: int, new: float, growth: list[Any]) -> float:
    """Bytes fetched for some new cards in a gallery that was measured, between the numbers of new cards that were."""
    rows = sorted(
        (row["new"], row["bytes_fetched"]) for row in growth if row["new"] and round(row["cards"], -3) == size
    )
    for (fewer, low), (more, high) in itertools.pairwise(rows):
        if fewer <= new <= more:
            return float(low + (high - low) * (new - fewer) / (more - fewer))
    raise ValueError(f"{new} new cards a release were not measured: between {rows[0][0]} and {rows[-1][0]} were")


def delivery(devices: int, size: dict[str, Any], assumed: Any) -> dict[str, Any]:
    """What devices fetch in a month, from, to, and what the CDN asks for it; and for the first release to all of them."""
    releases = assumed["gallery"]["releases_a_month"]["value"]
    whole = assumed["devices_behave"]["replaced_a_month"]["value"] * size["release_bytes"]
    months = [devices * (releases * change + whole) for change in size["changed_bytes"]]
    first = devices * size["release_bytes"]
    return {
        "cards": size["cards"],
        "devices": devices,
        "bytes_month": months,
        "usd_month": [egress(month, assumed["prices"]) for month in months],
        "first_bytes": first,
        "first_usd": egress(first, assumed["prices"]),
    }


def egress(volume: float, prices: Any) -> float:
    """US dollars for bytes that leave the CDN in one month, by its steps, and by its requests, one a part."""
    steps = prices["egress_gb"]
    left, usd = max(0.0, volume / GB - steps["free_gb"]), 0.0
    for width, price in steps["steps"]:
        usd += min(left, width) * price
        left = max(0.0, left - width)
    asked = max(0.0, volume / PART - prices["requests"]["free"]["value"])
    return usd + asked / 10000 * float(prices["requests"]["for_10000"]["value"])


def training(cards: int, assumed: Any, measured: Any) -> dict[str, Any]:
    """Hours of the student's second stage over a gallery: on one core, and on GPUs, which wait for views to be drawn."""
    given = {name: entry["value"] for name, entry in assumed["training"].items() if "value" in entry}
    images = cards * measured["scans"] / measured["cards"] * given["epochs"]
    computes = given["gpu_images_per_second"] * given["gpu_pixels"] / given["view_pixels"]
    fed = given["cores_per_gpu"] * 1000 / given["view_ms"]
    rate = min(computes, fed)
    efficiency = assumed["training"]["efficiency"]
    return {
        "cards": cards,
        "images": images,
        "one_core_hours": images * given["cpu_ms_per_image"] / 3.6e6,
        "gpu_hours": {str(gpus): images / (rate * gpus * efficiency[gpus]) / 3600 for gpus in assumed["gpus"]},
        "bound_by": "network" if computes < fed else "views",
    }


def tables(measured: Any, rows: Any) -> str:
    """The tables of docs/scale.md."""
    lines = [
        f"Bytes per scan, of {measured['scans']:,} scans of {measured['cards']:,} cards:",
        "",
        "| what | bytes |",
        "|---|--:|",
    ]
    lines += [f"| {name} | {size:,.0f} |" for name, size in measured["bytes_per_scan"].items()]
    lines += ["", "| cards | stored | a month | a release | changed by one | full build |", "|--:|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {row['cards']:,} | {sized(row['stored_bytes'])} | {money(row['storage_usd_month'])} | "
        f"{sized(row['release_bytes'])} | {between(row['changed_bytes'], sized)} | "
        f"{row['full_build_cpu_hours']:,.1f} CPU hours |"
        for row in rows["gallery"]
    ]
    lines += ["", "| cards | devices | first release | | each month | |", "|--:|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {row['cards']:,} | {row['devices']:,} | {sized(row['first_bytes'])} | {money(row['first_usd'])} | "
        f"{between(row['bytes_month'], sized)} | {between(row['usd_month'], money)} |"
        for row in rows["delivery"]
    ]
    gpus = list(rows["training"][0]["gpu_hours"])
    lines += ["", f"| cards | images | one core | {' | '.join(f'{count} GPU' for count in gpus)} |"]
    lines += [f"|--:|--:|--:|{'--:|' * len(gpus)}"]
    lines += [
        f"| {row['cards']:,} | {row['images'] / 1e6:,.1f} M | {hours(row['one_core_hours'])} | "
        + " | ".join(hours(row["gpu_hours"][count]) for count in gpus)
        + " |"
        for row in rows["training"]
    ]
    return "\n".join(lines)


def sized(count: float) -> str:
    """Bytes as a person reads them."""
    for unit, name in ((1e15, "PB"), (1e12, "TB"), (GB, "GB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count / MB:,.1f} MB"


def money(usd: float) -> str:
    """US dollars, to two digits below ten."""
    return f"${usd:,.2f}" if usd < 10 else f"${usd:,.0f}"


def hours(count: float) -> str:
    """A time as a person reads it."""
    if count >= 48:
        return f"{count / 24:,.0f} d"
    return f"{count:,.1f} h" if count >= 1 else f"{count * 60:,.1f} min"


def between(ends: list[float], shown: Any) -> str:
    """Two figures, or one where both read the same."""
    least, most = (shown(end) for end in ends)
    return least if least == most else f"{least} to {most}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
