"""Asset checks. Each compares numbers that its asset measured and recorded; the blocking ones stand before the release.

A gate that refuses leaves the last release in service: nothing is built behind it until its asset changes.
"""

from pcr_assets.checks.models import (
    hef_is_built,
    int8_agrees_with_fp32,
    onnx_agrees_with_torch,
    outline_filter_spares_reading,
    printing_verifier_spares_cards,
    stage1_beats_undistilled,
    stage1_has_not_collapsed,
    stage2_beats_stage1,
    stage2_has_not_collapsed,
    teacher_beats_hashing,
    undistilled_loses_to_stage1,
)
from pcr_assets.checks.releases import (
    answers_have_not_drifted,
    confidence_means_what_it_says,
    devices_are_as_sure_as_the_report,
    gallery_has_not_collapsed,
    int8_keeps_recall,
    new_cards_are_recognised,
    not_worse_than_the_last_release,
    report_permits_release,
)
from pcr_assets.checks.store import (
    few_scans_in_quarantine,
    lifecycle_rules_are_set,
    most_scans_are_still_there,
)

CHECKS = [
    few_scans_in_quarantine,
    most_scans_are_still_there,
    teacher_beats_hashing,
    stage1_has_not_collapsed,
    stage2_has_not_collapsed,
    stage2_beats_stage1,
    stage1_beats_undistilled,
    undistilled_loses_to_stage1,
    outline_filter_spares_reading,
    printing_verifier_spares_cards,
    onnx_agrees_with_torch,
    int8_agrees_with_fp32,
    hef_is_built,
    gallery_has_not_collapsed,
    report_permits_release,
    int8_keeps_recall,
    confidence_means_what_it_says,
    not_worse_than_the_last_release,
    new_cards_are_recognised,
    answers_have_not_drifted,
    devices_are_as_sure_as_the_report,
    lifecycle_rules_are_set,
]
