"""The README of the store: what lies where, what is current, and where to read on."""

from pcr_assets import layout
from pcr_assets.project_records.manifest import FILE, CostTracking, ProjectManifest

PAGE = "README.md"
PICTURE = f"{layout.MANIFEST}/lineage.png"
PLACES = {
    layout.RAW: "card scans, as they were given",
    "data/": "what is made of them: cleaned cards, the training snapshot, calibration pictures, the reference gallery",
    "models/": "every model, a folder for each version, with a card that tells what it is",
    layout.RELEASES: "signed bundles that devices fetch",
    layout.RUNS: "when each model was made, how long it took, on what",
    layout.METRICS: "the same facts as tables",
    layout.COSTS: "money: COST_BREAKDOWN.md",
    FILE: "everything in one file, with its schema beside it",
}


def files(manifest: ProjectManifest, picture: bytes, mermaid: str) -> dict[str, bytes]:
    """The page and the picture of the graph: keys of the store and bytes."""
    return {PAGE: page(manifest, mermaid).encode(), PICTURE: picture}


def page(manifest: ProjectManifest, mermaid: str) -> str:
    """The README."""
    cards = manifest.datasets["processed"].counts.get("cards")
    release = manifest.release
    return "\n".join(
        [
            f"# {manifest.project_name}",
            "",
            f"{manifest.description}. Every line here is derived from what the pipeline made; edits are replaced at the next "
            "refresh.",
            "",
            f"- Cards: {cards if cards is not None else 'none yet'}",
            f"- Release in service: {release.id if release else 'none yet'}",
            f"- Newest run: {manifest.last_updated or 'none in the log'}",
            f"- Paid for training and compiling: {_paid(manifest.cost_tracking)}",
            "",
            "## Models",
            "",
            "| model | version | status | architecture | parameters | recall@1 |",
            "|---|---|---|---|---|---|",
            *[
                f"| [{name}]({model.folder}/README.md) "
                f"| {model.version} | {model.status} | {model.architecture or '–'} "
                f"| {f'{model.parameters:,}' if model.parameters else '–'} | {_recall(name, manifest)} |"
                for name, model in manifest.models.items()
            ],
            "",
            "## Where things are",
            "",
            "| place | what |",
            "|---|---|",
            *[f"| `{place}` | {what} |" for place, what in PLACES.items()],
            "",
            "## How it is made",
            "",
            f"![assets and what they are made from]({PICTURE})",
            "",
            "```mermaid",
            mermaid,
            "```",
            "",
        ]
    )


def _paid(costs: CostTracking) -> str:
    before = f", of which ${costs.recorded_before_usd:,.2f} before this pipeline" if costs.recorded_before_usd else ""
    return f"${costs.total_cost_usd:,.2f}{before}"


def _recall(name: str, manifest: ProjectManifest) -> str:
    recall = manifest.recall_of(name).items()
    return ", ".join(f"{found['recall_at_1']:.1%} ({strength})" for strength, found in recall) or "–"
