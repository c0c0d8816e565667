"""What tests of the real graph ask of a ``world``: one of its cards, and what a device pulls from it."""

from pathlib import Path

from pcr_assets import layout

GALLERY = ["card_embeddings", "card_index", "recognition_report", "edge_release"]


def a_card(world, set_id="dawn1"):
    return sorted((world.raw / set_id).glob("*.png"))[0]


def trusted(world):
    return [world.project.root.read(f"{layout.RELEASES}/root.json")]


def pulled(world):
    """What a device that trusts this world's publisher pulled, and tried, in a process of its own."""
    from edge_runtime.releases.pull import pull

    return pull(Path(world.project.root.root, layout.RELEASES), world.folder / "device", trusted(world))
