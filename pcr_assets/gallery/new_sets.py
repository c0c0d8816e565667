"""Whether sets that came after the training snapshot are recognised worse than test cards, which no model learned from either.

The one rule for it: the check on the report says what it finds, and by it the training snapshot moves.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pcr_assets.measures import likeliest, no_more_than

SURELY = 0.025
"""The chance that cards which are answered as test cards are are called worse: that of an end of the report's other intervals."""
FEWEST = 10
"""Cards: fewer are not judged on their own, for two bad scans are no reason to train. They count among all new cards."""
MOST_SAID = 4


def judged(variants: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """``sets``: those that some variant answers surely worse than test cards, in the order of their names; ``said``: a sentence.

    ``variants``: what the report found of each. Each set is asked about, and more doubtfully the more there are, for of forty good
    sets one is unlucky. Where none stands out, all new cards together are: then ``sets`` are all of theirs.
    """
    worse = [finding for name, found in variants.items() for finding in _worse(name, found)]
    sets = sorted({set_id for ids, _ in worse for set_id in ids})
    new = [found["new cards"]["cards"] for found in variants.values() if "new cards" in found]
    if worse:
        more = [f"and {len(worse) - MOST_SAID} more like these"] if len(worse) > MOST_SAID else []
        said = "; ".join([*(sentence for _, sentence in worse[:MOST_SAID]), *more])
    elif not new:
        said = "no card came after the training snapshot"
    elif max(new) < FEWEST:
        said = f"only {max(new)} cards that were asked for came after the training snapshot: too few to tell"
    else:
        said = "new cards are answered as test cards are"
    return {"sets": sets, "said": said}


def _worse(variant: str, found: Mapping[str, Any]) -> Iterator[tuple[list[str], str]]:
    """The sets that a variant answers worse, each with a sentence; or all of them with one."""
    test, every = next(iter(found["answers"].values())), found.get("new sets", {})
    beside = f"and {test['answered']:.1%} of test cards"
    expected = likeliest(test["answered"], test["queries"])
    large = {set_id: new for set_id, new in every.items() if new["cards"] >= FEWEST}
    alone = {set_id: new for set_id, new in large.items() if _surely_fewer(new, expected, SURELY / len(large))}
    for set_id, new in alone.items():
        yield [set_id], f"{variant} answers {new['answered']:.1%} of {new['cards']} new cards of {set_id}, {beside}"
    together = found.get("new cards")
    if not alone and together and together["cards"] >= FEWEST and _surely_fewer(together, expected, SURELY):
        yield list(every), f"{variant} answers {together['answered']:.1%} of {together['cards']} new cards, {beside}"


def _surely_fewer(new: Mapping[str, Any], expected: float, chance: float) -> bool:
    return no_more_than(new["answered"] * new["cards"], new["cards"], expected) < chance
