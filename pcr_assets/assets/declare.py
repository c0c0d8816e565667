"""What all assets share: how one is declared, and how a published artifact becomes its materialization."""

import errno
import inspect
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import dagster as dg
from dagster._core.definitions.data_version import get_input_data_version_tag  # internal, dagster 1.13

from pcr_assets import digests
from pcr_assets.imaging.markdown import in_few_colours
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.resources.project import Project

OWNERS = ["team:cards"]
MOST_FILES = 8
MOST_LINES = 200
"""Lines in which a step tells how far it is: each lies in the event log for good."""
ARTIFACT = "pcr/artifact"
"""Metadata key of an asset's name in the store: by it the planner sees that an artifact is gone."""
FOLLOWS = "pcr/follows"
"""Metadata key of a source: the asset that makes what is looked at. The graph, which has no circles, can't say so."""
SETTINGS = "settings"
"""The group of the sources that are settings."""
OURS = ("pcr_assets.", "edge_runtime.")
"""Where errors come from whose message is a sentence for a person, the cure included: no traceback adds to it."""


Making = Callable[..., dg.MaterializeResult]
P = ParamSpec("P")
T = TypeVar("T")


def asset(
    floor: str,
    artifact: str,
    *,
    deps: Sequence[Any],
    kinds: set[str],
    code_version: str,
    tells: Sequence[dg.AssetsDefinition] = (),
) -> Callable[[Making], dg.AssetsDefinition]:
    """Declare an asset of one floor. ``code_version`` is a reviewed constant: raise it when the same inputs give other content.

    The function's docstring is the description that the UI shows. ``tells`` are the sources of which it says itself what it saw
    (:func:`made_of`); each other one among ``deps`` is looked at as it begins.
    """
    sources = [dep for dep in deps if isinstance(dep, dg.AssetsDefinition) and dep.is_observable and dep not in tells]

    def declare(make: Making) -> dg.AssetsDefinition:
        return dg.asset(
            group_name=floor,
            deps=deps,
            kinds=kinds,
            code_version=code_version,
            owners=OWNERS,
            metadata={ARTIFACT: artifact},
        )(in_a_sentence(_looking_first(make, sources) if sources else make))

    return declare


def in_a_sentence(make: Callable[P, T]) -> Callable[P, T]:
    """``make``, where an error of ours ends the step as Dagster's ``Failure``: of that its pages show the sentence first. Of any
    other they show the frames, and what was wrong far below them."""

    @wraps(make)
    def telling(*context: P.args, **resources: P.kwargs) -> T:
        try:
            return make(*context, **resources)
        except Exception as error:
            said = str(error) if type(error).__module__.startswith(OURS) else _of_the_disk(error)
            if not said:
                raise
            raise dg.Failure(said, allow_retries=False) from error

    return telling


def _of_the_disk(error: Exception) -> str:
    """What there is to say where a step's own work found no room: of the store, the store says it."""
    if not isinstance(error, OSError) or error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return ""
    what, where = (error.filename, "on that disk") if error.filename else ("unfinished work", "where DAGSTER_HOME lies")
    return f"{what} could not be written: {os.strerror(error.errno)}. Free space {where}, then run again"


def _looking_first(make: Making, sources: Sequence[dg.AssetsDefinition]) -> Making:
    """``make``, whose result says of which sources it was made: as they are when it begins, not as they were observed last.

    *Materialize* and ``dagster asset materialize`` observe nothing, and a profile may be edited while a refresh trains. Dagster
    would note what was observed last: of a setting that is tried and taken back nobody would know, and what it made would be
    released as if it were fresh.
    """

    @wraps(make)
    def looking_first(*context: Any, **resources: Any) -> dg.MaterializeResult:
        looks = {
            source.key: _function_of(source)(
                **{name: resources[name] for name in source.required_resource_keys & resources.keys()}
            )
            for source in sources
        }
        return made_of(make(*context, **resources), {key: look.data_version.value for key, look in looks.items()})

    return looking_first


def _function_of(source: dg.AssetsDefinition) -> Callable[..., Any]:
    """The function that looks, which works without Dagster: calling the source would make an instance in memory for each look."""
    function: Callable[..., Any] = source.op.compute_fn.decorated_fn  # type: ignore[union-attr]  # what decorators make
    return function


def made_of(result: dg.MaterializeResult, sources: Mapping[dg.AssetKey, str]) -> dg.MaterializeResult:
    """The result with the data versions of the sources that it was made of."""
    seen = {get_input_data_version_tag(source): version for source, version in sources.items()}
    return result._replace(tags={**(result.tags or {}), **seen})


Declaration = Callable[[Callable[..., Any]], dg.AssetsDefinition]


def observed(
    floor: str, *, kinds: set[str], name: str | None = None, about: str | None = None, follows: str | None = None
) -> Declaration:
    """Declare an observed source: something that is looked at, never made here. The function gives an ``ObserveResult``.

    ``follows`` names an asset further down whose artifact is looked at: once a refresh has made it, the planner looks again.
    """

    def declare(look: Callable[..., dg.ObserveResult]) -> dg.AssetsDefinition:
        key = name or look.__name__
        metadata = {FOLLOWS: follows} if follows else {}
        spec = dg.AssetSpec(
            key,
            description=about or inspect.getdoc(look),  # what is indented, the UI shows as code
            group_name=floor,
            kinds=kinds,
            owners=OWNERS,
            metadata=metadata,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # the one decorator that takes a source's kinds and owners
            return dg.multi_observable_source_asset(name=key, specs=[spec])(in_a_sentence(look))

    return declare


def worth_saying(number: int, total: int) -> bool:
    """Whether a step of so many pieces tells of this one, counted from 1: at most :data:`MOST_LINES` do, and the last does."""
    return number == total or number % -(-total // MOST_LINES) == 0


def say(context: dg.AssetExecutionContext, line: str) -> None:
    """Tell how far a long step is: on the console, and in the run's log."""
    print(line, flush=True)
    context.log.info(line)


def materialized(artifact: Artifact, metadata: Mapping[str, Any] | None = None) -> dg.MaterializeResult:
    """The materialization of what was just published: its digest is the data version."""
    return dg.MaterializeResult(
        data_version=dg.DataVersion(artifact.digest),
        metadata={
            **{name: _readable(value) for name, value in (metadata or {}).items()},
            "version": artifact.version,
            "size (MB)": round(artifact.size / 1e6, 3),
            "files": _largest(artifact),
        },
    )


def off(project: Project, name: str, why: str, **besides: str) -> dg.MaterializeResult:
    """What an asset publishes that was not asked for: no file, the reason, and what else is to be remembered."""
    record = {"off": why, **besides}
    published = project.artifacts.publish(name, {}, digest=digests.of_json(record), record=record)
    return materialized(published, record)


def _readable(value: Any) -> Any:
    """A number as a person reads it, for the artifact holds all its digits; a chart as small as it may be, for the event log keeps
    each materialization three times, for good."""
    if isinstance(value, dg.MarkdownMetadataValue) and value.md_str and "data:image/png" in value.md_str:
        return dg.MetadataValue.md(in_few_colours(value.md_str))
    return float(f"{value:.4g}") if isinstance(value, float) and abs(value) < 1000 else value


def _largest(artifact: Artifact) -> dg.TableMetadataValue | dg.MarkdownMetadataValue:
    """The largest files, and how many more there are: the manifest in the store lists all with their digests."""
    files = sorted(artifact.files.items(), key=lambda item: -item[1].size)
    rows = [dg.TableRecord({"file": name, "kB": round(file.size / 1e3, 1)}) for name, file in files[:MOST_FILES]]
    rest = sum(file.size for _, file in files[MOST_FILES:])
    if rest:
        rows.append(dg.TableRecord({"file": f"{len(files) - MOST_FILES} more", "kB": round(rest / 1e3, 1)}))
    return dg.MetadataValue.table(rows) if rows else dg.MetadataValue.md("none")
