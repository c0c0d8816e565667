"""The picture of the records: the lineage of assets as a graph."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx

FLOORS = ("settings", "cards", "dataset", "models", "exports", "reference", "release", "project")
COLOURS = ("#8c959f", "#0969da", "#1a7f37", "#8250df", "#bf3989", "#bc4c00", "#cf222e", "#57606a")


def lineage(edges: Sequence[tuple[str, str]], floors: Mapping[str, str]) -> bytes:
    """Assets from left to right in the order of their dependencies, a colour for each floor, as a PNG.

    ``edges``: pairs of an asset and one that is made from it; ``floors``: the floor of each asset that is drawn. What is
    also reached by way of others has no arrow of its own.
    """
    import networkx
    from matplotlib.figure import Figure

    graph = networkx.DiGraph([edge for edge in edges if set(edge) <= set(floors)])
    graph.add_nodes_from(floors)
    graph = networkx.transitive_reduction(graph)
    places = _places(graph)
    widest = max(sum(at[0] == x for at in places.values()) for x in {at[0] for at in places.values()})
    columns = len({at[0] for at in places.values()})
    figure = Figure(figsize=(2.1 * columns, 0.9 * widest + 0.6), dpi=80, layout="constrained")
    axes = figure.subplots()
    axes.axis("off")
    for above, below in sorted(graph.edges):
        arrow = {
            "arrowstyle": "-|>",
            "color": "#afb8c1",
            "shrinkA": 28,
            "shrinkB": 28,
            "connectionstyle": "arc3,rad=0.06",
        }
        axes.annotate("", places[below], places[above], arrowprops=arrow)
    for name, (x, y) in sorted(places.items()):
        colour = COLOURS[FLOORS.index(floors[name])] if floors.get(name) in FLOORS else COLOURS[0]
        box = {"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": colour}
        axes.text(x, y, name.replace("_", "\n", 1), ha="center", va="center", fontsize=8, bbox=box)
    across, down = ([at[axis] for at in places.values()] for axis in (0, 1))
    axes.set(xlim=(min(across) - 0.5, max(across) + 0.5), ylim=(min(down) - 0.8, max(down) + 0.8))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _places(graph: "networkx.DiGraph") -> dict[str, tuple[float, float]]:
    """A column for each generation; in it an asset stands near what it is made from."""
    import networkx

    places: dict[str, tuple[float, float]] = {}
    for column, names in enumerate(networkx.topological_generations(graph)):

        def height(name: str) -> tuple[float, str]:
            above = [places[parent][1] for parent in graph.predecessors(name)]
            return (-sum(above) / len(above) if above else 0.0, name)

        ordered = sorted(names, key=height)
        for row, name in enumerate(ordered):
            places[name] = (float(column), (len(ordered) - 1) / 2 - row)
    return places


def mermaid(edges: Sequence[tuple[str, str]]) -> str:
    """The same graph as mermaid text, which forges draw."""
    return "\n".join(["flowchart LR", *(f"    {above} --> {below}" for above, below in sorted(edges))])
