"""What the report asks about, as it is observed."""

import dagster as dg
import pytest

from pcr_assets.assets.evidence import evaluation_photos, strangers
from pcr_assets.definitions import build_defs
from pcr_assets.planner.execution import execute
from pcr_assets.resources.project import Project


def failures(tmp_path, source, **named):
    project = Project(store=str(tmp_path / "store"), scratch=str(tmp_path / "work"), **named)
    with dg.DagsterInstance.ephemeral() as instance:
        return [str(each) for each in execute(build_defs({"project": project}), instance, [source.key], lambda _: None)]


@pytest.mark.parametrize(("source", "kind"), [(evaluation_photos, "photos"), (strangers, "strangers")])
@pytest.mark.faults
def test_a_folder_that_was_named_and_holds_nothing_is_told_of(tmp_path, source, kind):
    """A mistyped one counted as empty: the next release's thresholds were made without a stranger, and nobody was told."""
    (failure,) = failures(tmp_path, source, **{kind: str(tmp_path / "mistyped")})
    assert failure == (
        f"{source.key.to_user_string()} failed: there is nothing in {tmp_path}/mistyped: mend {kind.upper()} (make) or "
        f"PCR_{kind.upper()}, or name no folder there"
    )


@pytest.mark.parametrize("source", [evaluation_photos, strangers])
def test_the_usual_folder_may_be_missing(tmp_path, source):
    assert failures(tmp_path, source) == []
