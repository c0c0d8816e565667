"""``python -m pcr_assets.cloud.lifecycle``: the bucket's rules for old objects: what is set, what should be, and setting it.

Three rules are ours, known by their IDs. Setting them keeps every rule of anybody else, and what somebody added to ours: S3
replaces all rules of a bucket at once, so they are read, merged and written, and read again to see that they hold.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pcr_assets import layout
from pcr_assets.cloud import clients
from pcr_assets.cloud.clients import CloudError, told
from pcr_assets.command_options import BUCKET, add_store, purpose
from pcr_assets.resources.objects import StoreError

Rule = Mapping[str, Any]
TRAINING_OUTPUTS = "models/embedding/"
"""Where SageMaker's training jobs leave their outputs, from the bucket's root."""
READ, WRITE = "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"
MOST_RULES = 1000
SMALLEST = "TransitionDefaultMinimumObjectSize"


def wanted(prefix: str = "") -> list[Rule]:
    """Our three rules. ``prefix`` is the store's place in the bucket, without slashes at its ends."""
    profiles = "/".join(part for part in (prefix, layout.PROJECT, "profiling/") if part)
    return [
        {
            "ID": "ArchiveOldTrainingOutputs",
            "Status": "Enabled",
            "Filter": {"Prefix": TRAINING_OUTPUTS},
            "Transitions": [{"Days": 90, "StorageClass": "GLACIER"}],
        },
        {
            "ID": "ArchiveOldProfilingData",
            "Status": "Enabled",
            "Filter": {"Prefix": profiles},
            "Transitions": [{"Days": 180, "StorageClass": "GLACIER"}],
        },
        {
            "ID": "DeleteIncompleteMultipartUploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
    ]


@dataclass(frozen=True)
class Plan:
    """What setting our rules would do. Rules of others are in ``kept``, whatever they say."""

    missing: tuple[Rule, ...]
    changed: tuple[tuple[Rule, Rule], ...]
    """What is set and what should be, of rules with our IDs."""
    right: tuple[Rule, ...]
    kept: tuple[Rule, ...]

    @property
    def settled(self) -> bool:
        """Nothing is to be done."""
        return not (self.missing or self.changed)

    @property
    def merged(self) -> list[Rule]:
        """All rules of the bucket afterwards: those of others as they are, in their order, then ours."""
        return [*self.kept, *self.right, *(should for _, should in self.changed), *self.missing]

    def __str__(self) -> str:
        lines = [f"set       {rule['ID']}" for rule in self.right]
        lines += [f"missing   {in_words(rule)}" for rule in self.missing]
        lines += [f"differs   {in_words(should)}; set is {in_words(found)}" for found, should in self.changed]
        lines += [f"not ours  {rule.get('ID', 'a rule without a name')}: kept as it is" for rule in self.kept]
        return "\n".join(lines)


def in_words(rule: Rule) -> str:
    """One rule as a phrase."""
    place = _prefix(rule) or "all objects"
    parts = [
        f"{step['StorageClass']} after {step['Days']} days" for step in rule.get("Transitions", ()) if "Days" in step
    ]
    if abort := rule.get("AbortIncompleteMultipartUpload"):
        parts.append(f"incomplete uploads dropped after {abort['DaysAfterInitiation']} days")
    parts += [f"off ({rule['Status']})"] if rule.get("Status") != "Enabled" else []
    return f"{rule.get('ID', '?')}: {place}: {', '.join(parts) or 'something else'}"


def plan(rules: Sequence[Rule], prefix: str = "") -> Plan:
    """Compare the rules of a bucket with ours."""
    ours = {rule["ID"]: rule for rule in wanted(prefix)}
    there = {rule["ID"]: rule for rule in rules if rule.get("ID") in ours}
    same = {name for name, rule in there.items() if _means(rule) == _means(_joined(rule, ours[name]))}
    return Plan(
        missing=tuple(rule for name, rule in ours.items() if name not in there),
        changed=tuple(
            (there[name], _joined(there[name], rule))
            for name, rule in ours.items()
            if name in there and name not in same
        ),
        right=tuple(there[name] for name in ours if name in same),
        kept=tuple(rule for rule in rules if rule.get("ID") not in ours),
    )


def _joined(found: Rule, ours: Rule) -> Rule:
    """A rule of ours with all that somebody added to it, such as what becomes of old versions of objects."""
    steps = [step for step in found.get("Transitions", ()) if step.get("StorageClass") not in _classes(ours)]
    added = {name: value for name, value in found.items() if name not in ("Prefix", *ours)}
    joined = {**ours, **added}
    return {**joined, "Transitions": [*ours.get("Transitions", ()), *steps]} if steps else joined


def _classes(rule: Rule) -> set[str]:
    return {step["StorageClass"] for step in rule.get("Transitions", ())}


def _prefix(rule: Rule) -> str:
    place = rule.get("Filter", {})
    return str(rule.get("Prefix") or place.get("Prefix") or place.get("And", {}).get("Prefix") or "")


def _means(rule: Rule) -> Any:
    """What a rule does, whichever way a server writes it: an empty filter is an empty prefix."""
    narrowed = {name: value for name, value in rule.get("Filter", {}).items() if name != "Prefix"}
    rest = {name: value for name, value in rule.items() if name not in ("ID", "Filter", "Prefix")}
    return json.dumps([_prefix(rule), narrowed, rest], sort_keys=True, default=str)


def rules_of(s3: Any, bucket: str) -> list[Rule]:
    """The rules that are set. Raises CloudError."""
    return list(_set(s3, bucket).get("Rules", ()))


def _set(s3: Any, bucket: str) -> Mapping[str, Any]:
    """All that is set, empty where nothing is. Raises CloudError."""
    from botocore.exceptions import ClientError

    with told(f"read the lifecycle rules of {bucket}", READ):
        try:
            found: Mapping[str, Any] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return {}
            raise
        return found


def apply(s3: Any, bucket: str, prefix: str = "") -> Plan:
    """Set our rules beside those of others. Gives the plan that holds afterwards. Raises CloudError."""
    found = _set(s3, bucket)
    before = plan(found.get("Rules", ()), prefix)
    if before.settled:
        return before
    if len(before.merged) > MOST_RULES:
        raise CloudError(f"{bucket} would have {len(before.merged)} rules, S3 takes {MOST_RULES}: remove some first")
    # What small objects do is said once for all rules; unsaid, S3 sets it back to its default.
    smallest = {SMALLEST: found[SMALLEST]} if SMALLEST in found else {}
    with told(f"set the lifecycle rules of {bucket}", WRITE):
        s3.put_bucket_lifecycle_configuration(
            Bucket=bucket, LifecycleConfiguration={"Rules": before.merged}, **smallest
        )
    after = plan(rules_of(s3, bucket), prefix)
    lost = [rule for rule in before.kept if _means(rule) not in {_means(kept) for kept in after.kept}]
    if not after.settled or lost:
        raise CloudError(
            f"{bucket} does not hold the rules that were set: somebody else sets them too. Look at "
            f"`aws s3api get-bucket-lifecycle-configuration --bucket {bucket}`, then run again"
        )
    return after


def judged(s3: Any, bucket: str, prefix: str = "") -> tuple[bool, str]:
    """Whether our rules are set, and in one sentence what is not; a server that refuses to tell is a sentence too."""
    try:
        found = plan(rules_of(s3, bucket), prefix)
    except CloudError as error:
        return False, str(error)
    todo = [*(in_words(rule) for rule in found.missing), *(f"{in_words(rule)} (differs)" for _, rule in found.changed)]
    if not todo:
        return True, f"all three rules are set, beside {len(found.kept)} of others"
    return False, f"not set: {'; '.join(todo)}: `python -m pcr_assets.cloud.lifecycle --apply` sets them"


def place_of(store: str) -> tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``. Raises CloudError for a folder."""
    if not store.startswith("s3://"):
        raise CloudError(f"{store} is a folder, and only buckets have lifecycle rules: name s3://BUCKET in PCR_STORE")
    bucket, _, prefix = store.removeprefix("s3://").strip("/").partition("/")
    return bucket, prefix


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Exit code: 0 all is set, 1 AWS refused, 3 (without --apply) something is to be set."""
    parser = argparse.ArgumentParser(prog="python -m pcr_assets.cloud.lifecycle", description=purpose(__doc__))
    add_store(parser, BUCKET)
    parser.add_argument("--apply", action="store_true", help="set the rules; without it they are only compared")
    given = parser.parse_args(argv)
    try:
        bucket, prefix = place_of(given.store)
        s3 = clients.s3()
        found = apply(s3, bucket, prefix) if given.apply else plan(rules_of(s3, bucket), prefix)
    except (CloudError, StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    print(found)
    if found.settled:
        print(f"{bucket}: the rules are set")
        return 0
    print(f"{bucket}: nothing was changed; --apply sets what is missing or differs")
    return 3


if __name__ == "__main__":
    sys.exit(main())
