"""Checks on what lies in the store: scans in quarantine, the bucket's rules for old objects."""

import dagster as dg

from pcr_assets import layout
from pcr_assets.assets.cards import processed_cards
from pcr_assets.assets.declare import in_a_sentence
from pcr_assets.assets.project import store_inventory
from pcr_assets.checks.gate import Finding, Limits, Record, gate
from pcr_assets.cloud import lifecycle
from pcr_assets.resources.project import Project
from pcr_assets.resources.s3_store import S3Store


@gate(processed_cards, layout.PROCESSED, blocking=False)
def few_scans_in_quarantine(record: Record, limits: Limits) -> Finding:
    """Few scans are in quarantine."""
    rejected, kept = record["rejected"], record["scans"]
    few = rejected <= limits["quarantine"] * (rejected + kept)
    return few, f"{rejected} of {rejected + kept} scans are in quarantine"


@dg.asset_check(asset=store_inventory, name="lifecycle_rules_are_set", blocking=False)
@in_a_sentence
def lifecycle_rules_are_set(project: Project) -> dg.AssetCheckResult:
    """The bucket's rules for old objects are those of `pcr_assets.cloud.lifecycle`. Asked where `records: {ask_bucket: true}`."""
    store = project.root
    if not isinstance(store, S3Store) or not project.settings.section("records")["ask_bucket"]:
        return dg.AssetCheckResult(
            passed=True, description="not asked: the store is a folder, or records.ask_bucket is off"
        )
    passed, said = lifecycle.judged(store.client, store.bucket, store.prefix.removesuffix(layout.PROJECT).strip("/"))
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, description=said)
