"""``pipelines/``: what each pipeline builds, as JSON for programs and as a page for people, both from the definitions."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from pcr_assets import layout
from pcr_assets.project_records.manifest import as_json
from pcr_assets.project_records.pictures import mermaid

ARTIFACT = "pcr/artifact"
"""As :mod:`pcr_assets.assets.declare` calls it: records import no assets."""


def describe(defs: dg.Definitions, name: str, select: str, about: str) -> dict[str, Any]:
    """A pipeline: its steps in the order of the graph, with what each is made from, where it lies, and its gates."""
    graph = defs.resolve_asset_graph()
    chosen = dg.AssetSelection.from_coercible(select).resolve(graph) & graph.materializable_asset_keys
    steps = [graph.get(key) for key in graph.toposorted_asset_keys if key in chosen]
    observed = {parent for step in steps for parent in step.parent_keys} - graph.materializable_asset_keys
    return {
        "name": name,
        "description": about,
        "select": select,
        "run": f"dagster job execute -m pcr_assets.definitions -j {name}",
        "observes": sorted(key.to_user_string() for key in observed),
        "steps": [
            {
                "asset": step.key.to_user_string(),
                "floor": step.group_name,
                "description": (step.description or "").strip(),
                "made_from": sorted(parent.to_user_string() for parent in step.parent_keys),
                "artifact": step.metadata.get(ARTIFACT),
                "code_version": step.code_version,
                "kinds": sorted(step.kinds),
                "gates": sorted(
                    check.name for check in graph.get_check_keys_for_assets({step.key}) if graph.get(check).blocking
                ),
            }
            for step in steps
        ],
    }


def files(described: Iterable[dict[str, Any]]) -> dict[str, bytes]:
    """The JSON and the page of each pipeline: keys of the store and bytes."""
    found: dict[str, bytes] = {}
    for pipeline in described:
        found[f"{layout.PIPELINES}/{pipeline['name']}.json"] = as_json(pipeline)
        found[f"{layout.PIPELINES}/{pipeline['name']}.md"] = page(pipeline).encode()
    return found


def page(pipeline: dict[str, Any]) -> str:
    """The page of one pipeline."""
    steps = pipeline["steps"]
    edges = [
        (parent, step["asset"]) for step in steps for parent in step["made_from"] if not parent.endswith("_config")
    ]
    gates = [f"- {step['asset']}: {', '.join(step['gates'])}" for step in steps if step["gates"]]
    return "\n".join(
        [
            f"# {pipeline['name']}",
            "",
            pipeline["description"],
            "",
            "```sh",
            pipeline["run"],
            "```",
            "",
            f"Selection: `{pipeline['select']}`. What is stale in it is built, in waves, and nothing else. Observed first: "
            f"{', '.join(pipeline['observes'])}.",
            "",
            "| step | floor | what | lies in |",
            "|---|---|---|---|",
            *[
                f"| {step['asset']} | {step['floor']} | {step['description'].splitlines()[0]} | `{step['artifact']}` |"
                for step in steps
            ],
            "",
            "Gates, behind which nothing is built while they refuse:",
            "",
            *(gates or ["- none"]),
            "",
            "```mermaid",
            mermaid(edges),
            "```",
            "",
        ]
    )
