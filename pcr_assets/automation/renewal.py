"""The job ``renew_trust`` and its schedule, which is off until somebody switches it on: signatures that would expire are made anew.

``python -m pcr_assets.trust renew`` does the same from a shell or cron. A key that belongs offline is never needed here.
"""

import dagster as dg

from pcr_assets import layout
from pcr_assets.assets.declare import in_a_sentence
from pcr_assets.resources.project import Project
from pcr_assets.resources.signing import ReleaseSigner
from pcr_assets.trust.keys import Keys
from pcr_assets.trust.settings import trust_settings

NIGHTLY = "17 3 * * *"


@dg.op(description="Sign the timestamp and the snapshot anew, and what else has less than half of its time left.")
@in_a_sentence
def renew_signatures(context: dg.OpExecutionContext, project: Project, signer: ReleaseSigner) -> None:
    """Renew, and say what will expire for want of a key."""
    from pcr_assets.planner.lock import living
    from pcr_assets.trust.channels import renew
    from pcr_assets.trust.lost import why_unsigned
    from pcr_assets.trust.metadata import Repository

    settings, keys = trust_settings(project.settings), Keys([signer.folder])
    repository = Repository.open(project.root, keys)
    if repository.pointer is None:
        if project.artifacts.named(layout.RELEASES):
            raise dg.Failure(why_unsigned(project.root), allow_retries=False)
        context.log.info(why_unsigned(project.root))
        return
    with living(context.instance, context.run_id):
        done = renew(repository, keys, settings.days)
    for role in done.signed:
        context.log.info(f"{role} is signed until {repository.roles[role].expires:%Y-%m-%d}")
    for role in done.waiting:
        context.log.warning(
            f"{role} expires on {repository.roles[role].expires:%Y-%m-%d}, and its keys are not here: "
            "`python -m pcr_assets.trust --keys FOLDER renew` where they are"
        )


@dg.job(
    name="renew_trust",
    description="Keep signatures young while nothing is new: the same as `python -m pcr_assets.trust renew`.",
    executor_def=dg.in_process_executor,
    tags={"pcr/launcher": "job"},
)
def renew_trust() -> None:
    """Renew the signatures of releases."""
    renew_signatures()


renew_nightly = dg.ScheduleDefinition(
    name="renew_trust_nightly",
    job=renew_trust,
    cron_schedule=NIGHTLY,
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Renew each night. Off by default: switch it on where a daemon runs and the publisher's keys are.",
)
