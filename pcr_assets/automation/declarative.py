"""The declarative way: each asset carries the condition under which it is run, and the sensor ``content_changes`` asks them.

Dagster's automation page then shows, for each tick and asset, which part of its condition held. It is an alternative to
``new_cards``, not its companion: ``docs/automation.md`` says what each of them sees.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import reduce
from operator import or_
from typing import Any

import dagster as dg

OBSERVED_EVERY = "*/5 * * * *"
"""When sources and settings are looked at (cron): an asset can't see a change that nobody observed."""
_CONDITION = dg.AutomationCondition

content_changed = (
    (  # type: ignore[misc]  # dagster annotates conditions on code more narrowly than it combines them
        _CONDITION.any_deps_match(_CONDITION.data_version_changed()).with_label("an input has new content")
        | _CONDITION.code_version_changed().with_label("its code version was raised")
        | _CONDITION.newly_missing().with_label("it is new in the graph")
    ).since_last_handled()
    & ~_CONDITION.any_deps_missing()
    & ~_CONDITION.any_deps_in_progress()
    & ~_CONDITION.in_progress()
    & _CONDITION.all_deps_blocking_checks_passed().with_label("the gates of its inputs are passed")
).with_label("content_changed")
"""Run an asset when its code or the content of an input changed: ``eager`` would also follow rebuilds to equal content.

A condition sees changes between two ticks of the daemon, not what was stale before the first; the planner sees both.
"""


def observed_every(cron: str) -> dg.AutomationCondition[Any]:
    """Observe a source at the times of a cron schedule."""
    passed: dg.AutomationCondition[Any] = _CONDITION.cron_tick_passed(cron)
    due = passed.since_last_handled() & ~_CONDITION.in_progress()
    return due.with_label(f"observed at {cron}")


def waiting_for(above: AbstractSet[dg.AssetKey]) -> dg.AutomationCondition[Any]:
    """``content_changed``, once none of the assets ``above`` is made, or asked for.

    Inputs alone would not do: a report has models and an index among them, and the index follows the models two steps later. So
    it was asked for with new models and the old index, refused that, and so did the release.
    """
    if not above:
        return content_changed
    at_work = _CONDITION.run_in_progress() | _CONDITION.will_be_requested()
    one_of: list[dg.AutomationCondition[Any]] = [_CONDITION.asset_matches(key, at_work) for key in sorted(above)]
    return (~reduce(or_, one_of) & content_changed).with_label("all above it is done, and content_changed")


def automated(assets: Iterable[Any]) -> list[dg.AssetsDefinition]:
    """The assets, each with its condition: sources are observed by the clock, the rest follows the content of its inputs."""
    given: Sequence[dg.AssetsDefinition] = list(assets)
    inputs = {key: made.asset_deps[key] for made in given if not made.is_observable for key in made.keys}

    def conditioned(spec: dg.AssetSpec) -> dg.AssetSpec:
        condition = waiting_for(_above(spec.key, inputs)) if spec.key in inputs else observed_every(OBSERVED_EVERY)
        return spec.replace_attributes(automation_condition=condition)

    return [made.map_asset_specs(conditioned) for made in given]


def _above(asset: dg.AssetKey, inputs: Mapping[dg.AssetKey, AbstractSet[dg.AssetKey]]) -> set[dg.AssetKey]:
    """What is made here of all that an asset is made from, whether at first hand or not. Sources are no part of it."""
    found: set[dg.AssetKey] = set()
    following = [asset]
    while following:
        new = {key for key in inputs[following.pop()] if key in inputs} - found
        found |= new
        following += new
    return found


with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)  # sources too: "*" leaves out what is only observed
    content_changes = dg.AutomationConditionSensorDefinition(
        "content_changes",
        target=dg.AssetSelection.all(include_sources=True),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Observes sources by the clock, runs what got new code or new content. Switch on this or new_cards, not both.",
        run_tags={"pcr/launcher": "declarative"},
    )
