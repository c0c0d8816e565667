"""The training job of each model, as a profile has it: for the assets, and for a machine that has no Dagster."""

from collections.abc import Callable, Mapping
from typing import Any

from pcr_assets import layout
from pcr_assets.learning.settings import without_a_teacher
from pcr_assets.settings import Settings

Job = dict[str, Any]
Trained = Callable[[str], Mapping[str, str]]
"""The files of a model that was trained before, ``weights`` and ``model``, by its place in the layout."""
GIVEN = ("teacher", "init")
"""The entries of a job that are such files: where they lie, not what they hold."""


def teacher(profile: Settings, trained: Trained) -> Job:
    """The teacher begins with the weights that its spec names."""
    return {"stage": "teacher", **profile.section("teacher")}


def stage1(profile: Settings, trained: Trained) -> Job:
    """The student, by what the teacher says."""
    return {
        "stage": "student_stage1",
        "settings": profile.section("stage1"),
        "spec": profile.section("student"),
        "teacher": dict(trained(layout.TEACHER)),
    }


def undistilled(profile: Settings, trained: Trained) -> Job:
    """Stage 1's student, schedule and views, without a teacher; its head begins in closed form as well, from the cards alone."""
    return {
        "stage": "student_undistilled",
        "settings": without_a_teacher(profile.section("stage1")),
        "spec": profile.section("student"),
    }


def stage2(profile: Settings, trained: Trained) -> Job:
    """The student goes on where stage 1 ended."""
    return {
        "stage": "student_stage2",
        "settings": profile.section("stage2"),
        "init": dict(trained(layout.STAGE1)),
    }


RECIPES: Mapping[str, Callable[[Settings, Trained], Job]] = {
    layout.TEACHER: teacher,
    layout.STAGE1: stage1,
    layout.UNDISTILLED: undistilled,
    layout.STAGE2: stage2,
}
