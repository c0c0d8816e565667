"""Checks on what lies in the store: scans in quarantine, scans that went, the bucket's rules for old objects."""

import dagster as dg

from pcr_assets import layout
from pcr_assets.assets.cards import processed_cards
from pcr_assets.assets.declare import in_a_sentence
from pcr_assets.assets.project import store_inventory
from pcr_assets.checks.gate import Finding, Limits, Record, gate
from pcr_assets.cloud import lifecycle
from pcr_assets.project_records.settings import RecordsSettings
from pcr_assets.resources.project import Project
from pcr_assets.resources.s3_store import S3Store


@gate(processed_cards, layout.PROCESSED, blocking=False)
def few_scans_in_quarantine(record: Record, limits: Limits) -> Finding:
    """Few scans are in quarantine."""
    rejected, kept = record["rejected"], record["scans"]
    few = rejected <= limits["quarantine"] * (rejected + kept)
    return few, f"{rejected} of {rejected + kept} scans are in quarantine"


@gate(processed_cards, layout.PROCESSED, beside=layout.REFERENCES)
def most_scans_are_still_there(record: Record, limits: Limits, pictured: Record) -> Finding:
    """Most scans of the gallery are still there, set by set: a folder that is not mounted, or a copy that broke off, takes many at
    once, and fewer cards are easier to tell apart. Where none is left, these are other cards."""
    before = {set_id: entry["scans"] for set_id, entry in pictured.get("sets", {}).items()}
    had, now = sum(before.values()), record["sets"]
    left = sum(min(scans, now[set_id]["scans"]) for set_id, scans in before.items() if set_id in now)
    gone, most = had - left, limits["lost_scans"]
    said = f"{gone:,} of the {had:,} scans that the gallery was made of are gone"
    if not left or gone <= most * had:
        return True, f"{said}: these are other cards" if gone and not left else said
    cure = "put them back, or raise gates.lost_scans in your profile if they are to go"
    return False, f"{said}, more than {most:.0%}: {cure}"


@dg.asset_check(asset=store_inventory, name="lifecycle_rules_are_set", blocking=False)
@in_a_sentence
def lifecycle_rules_are_set(project: Project) -> dg.AssetCheckResult:
    """The bucket's rules for old objects are those of `pcr_assets.cloud.lifecycle`. Asked where `records: {ask_bucket: true}`."""
    store = project.root
    if not isinstance(store, S3Store) or not RecordsSettings(**project.settings.section("records")).ask_bucket:
        return dg.AssetCheckResult(
            passed=True, description="not asked: the store is a folder, or records.ask_bucket is off"
        )
    passed, said = lifecycle.judged(store.client, store.bucket, store.prefix.removesuffix(layout.PROJECT).strip("/"))
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, description=said)
