"""What is stale, in which order it is built, and building it. The commands, the UI's job and the sensor all call this.

Dagster says of each asset whether it is stale, but a child of a stale asset looks fresh until its parent was rebuilt.
So the planner goes in waves: build the stale assets that have no stale ancestor, ask again, stop when nothing is stale.
An asset rebuilt to the same content leaves its children fresh, and the wave ends there. Beyond what Dagster sees, an
asset is stale when the store lost its artifact or holds another version of it; and nothing is built behind a blocking
check that refuses the asset it guards, or was not asked about it yet.

Belongs here: decisions about staleness. Does not: what assets do, and how a person is told (:mod:`pcr_assets.refresh`).
"""

from pcr_assets.planner.execution import Event, Failure
from pcr_assets.planner.explanation import Explanation, Input, explain
from pcr_assets.planner.gates import Gate, Verdict
from pcr_assets.planner.outcome import Ending, Outcome
from pcr_assets.planner.plan import Blocked, Plan, Published, Status, Step, resolve, selected_assets
from pcr_assets.planner.published import published_in, unrecorded
from pcr_assets.planner.waves import observe, rebuild, run

__all__ = [
    "Blocked",
    "Ending",
    "Event",
    "Explanation",
    "Failure",
    "Gate",
    "Input",
    "Outcome",
    "Plan",
    "Published",
    "Status",
    "Step",
    "Verdict",
    "explain",
    "observe",
    "published_in",
    "rebuild",
    "resolve",
    "run",
    "selected_assets",
    "unrecorded",
]
