"""``python -m pcr_assets.cloud.registry list|register|approve|reject|sync``: the models of the project in SageMaker's registry.

A package waits until somebody approves it. The same content for the same container is registered once: both stand in the
package's metadata. What is registered stands in ``metadata/model_registry.json``, which the project's manifest reads.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edge_runtime.terminal import add_command
from pcr_assets import layout, settings
from pcr_assets.cloud import clients, model_package, package_book
from pcr_assets.cloud.clients import CloudError, create_unless_there, if_there, told
from pcr_assets.cloud.model_package import DIGEST, IMAGE
from pcr_assets.cloud.package_book import APPROVED, REJECTED, Registered, full_name
from pcr_assets.cloud.patience import until
from pcr_assets.command_options import BUCKET, add_profile, add_store, purpose
from pcr_assets.project_records.models import collect, registered
from pcr_assets.project_records.sources import gather
from pcr_assets.resources.artifacts import Artifact, Artifacts
from pcr_assets.resources.store import StoreError, open_store
from pcr_assets.serving.packing import packed_in
from pcr_assets.serving.settings import serving_settings
from pcr_assets.settings import SettingsError

UNUSABLE = {"Failed", "Deleting"}
SETTLING_SECONDS = 300
ABOUT_GROUP = "Models that recognise trading cards; see metadata/project_manifest.json of the project's store"


def register(sagemaker: Any, artifacts: Artifacts, profile: settings.Settings) -> Artifact:
    """Make each packed model a package, once; publish the book of all packages. Raises CloudError, ArtifactMissing."""
    chosen = serving_settings(profile)
    packages = artifacts.current(layout.PACKAGES)
    packed = packed_in(packages)
    if not packed:
        raise CloudError("nothing is packed: name models in serving.pack, then `make build ASSET=model_packages`")
    models = collect(gather(artifacts, profile)[0])
    wanted = {
        each: model_package.request(each, packages, artifacts.store.root, models[each.model], chosen) for each in packed
    }
    ensure_group(sagemaker, chosen.group)
    found = _by_content(packages_of(sagemaker, chosen.group), chosen.image)
    if made := {
        each.digest: _created(sagemaker, request) for each, request in wanted.items() if each.digest not in found
    }:
        # That took minutes: somebody may have approved another one meanwhile.
        found = made | _by_content(packages_of(sagemaker, chosen.group), chosen.image)
    book = registered(artifacts)
    for each in wanted:
        package = found[each.digest]
        entry = Registered(
            package["ModelPackageArn"], package["ModelApprovalStatus"], each.digest, packages.files[each.file].key
        )
        package_book.enter(book, f"{each.model}:{each.version}", asdict(entry))
    return package_book.write(artifacts, book)


def ensure_group(sagemaker: Any, group: str) -> None:
    """Create the group of packages where there is none. Raises CloudError."""
    with told(f"look for the group {group}", "sagemaker:DescribeModelPackageGroup"):
        if if_there(sagemaker.describe_model_package_group, ModelPackageGroupName=group):
            return
    with told(f"create the group {group}", "sagemaker:CreateModelPackageGroup"):
        # It may be there by now: somebody else was faster.
        about = {"ModelPackageGroupName": group, "ModelPackageGroupDescription": ABOUT_GROUP}
        create_unless_there(sagemaker.create_model_package_group, **about)


def packages_of(sagemaker: Any, group: str) -> Iterator[dict[str, Any]]:
    """All packages of a group as SageMaker describes them, the newest first. Raises CloudError."""
    with told(f"list the packages of {group}", "sagemaker:ListModelPackages and sagemaker:DescribeModelPackage"):
        pages = sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
        )
        arns = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
        for arn in arns:
            yield {"CustomerMetadataProperties": {}, **sagemaker.describe_model_package(ModelPackageName=arn)}


def _by_content(packages: Iterator[dict[str, Any]], image: str) -> dict[str, dict[str, Any]]:
    """Packages that may be used with this container, by the digest of their content; the newest of each."""
    found: dict[str, dict[str, Any]] = {}
    for each in packages:
        told = each["CustomerMetadataProperties"]
        if each["ModelPackageStatus"] not in UNUSABLE and told.get(IMAGE, image) == image and DIGEST in told:
            found.setdefault(told[DIGEST], each)
    return found


def _created(sagemaker: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """A new package, when it is complete."""
    name = request["ModelPackageDescription"].partition(":")[0]
    with told(f"register {name}", "sagemaker:CreateModelPackage"):
        arn = sagemaker.create_model_package(**request)["ModelPackageArn"]

    def complete() -> dict[str, Any] | None:
        found = if_there(sagemaker.describe_model_package, ModelPackageName=arn)
        if found and found["ModelPackageStatus"] == "Failed":
            raise CloudError(f"SageMaker could not make a package of {name}: {found['ModelPackageStatusDetails']}")
        return found if found and found["ModelPackageStatus"] == "Completed" else None

    with told(f"see the package {arn}", "sagemaker:DescribeModelPackage"):
        return until(complete, f"registering {name}", SETTLING_SECONDS)


def decide(sagemaker: Any, artifacts: Artifacts, model: str, status: str, why: str) -> tuple[str, Registered]:
    """Approve or reject a registered model, ``NAME`` or ``NAME:VERSION``; gives its full name and entry. Raises CloudError."""
    book = registered(artifacts)
    name = full_name(book, model)
    arn = book[name]["arn"]
    _same_region(sagemaker, arn)
    with told(f"{'approve' if status == APPROVED else 'reject'} {name}", "sagemaker:UpdateModelPackage"):
        held = sagemaker.describe_model_package(ModelPackageName=arn)
        sagemaker.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            ApprovalDescription=why,
            CustomerMetadataProperties=held.get("CustomerMetadataProperties", {}),
        )
    book[name]["status"] = status
    package_book.write(artifacts, book)
    return name, Registered(**book[name])


def sync(sagemaker: Any, artifacts: Artifacts) -> list[str]:
    """Take over what was approved or rejected elsewhere; gives the names whose status changed. Raises CloudError."""
    book, changed = registered(artifacts), []
    for name, entry in book.items():
        now = _status(sagemaker, name, entry["arn"])
        if now != entry["status"]:
            changed.append(f"{name}: {entry['status']} before, {now} now")
            entry["status"] = now
    package_book.write(artifacts, book)
    return changed


def to_serve(sagemaker: Any, artifacts: Artifacts, model: str) -> tuple[str, Registered]:
    """What :func:`approved` gives, if the registry says so too: somebody may have rejected it there. Raises CloudError."""
    name, entry = package_book.approved(artifacts, model)
    now = _status(sagemaker, name, entry.arn)
    if now != APPROVED:
        raise CloudError(
            f"{name} was approved, and is {now} in the registry now: `python -m pcr_assets.cloud.registry sync` takes that over, "
            "then run again"
        )
    return name, entry


def _status(sagemaker: Any, name: str, arn: str) -> str:
    """What the registry says now of a package, whatever its group is called; ``gone`` where it knows none. Raises CloudError."""
    _same_region(sagemaker, arn)
    with told(f"look at the package of {name}", "sagemaker:DescribeModelPackage"):
        held = if_there(sagemaker.describe_model_package, ModelPackageName=arn)
    return str(held["ModelApprovalStatus"]) if held else "gone"


def _same_region(sagemaker: Any, arn: str) -> None:
    """Refuse to ask one region for a package of another: the answer would be that it is gone. Raises CloudError."""
    asked, of = sagemaker.meta.region_name, arn.split(":")[3]
    if asked != of:
        raise CloudError(f"{arn} is a package of {of}, but {asked} would be asked: set PCR_S3_REGION={of}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 AWS or the store refused, or nothing fits."""
    given = _parser().parse_args(argv)
    try:
        artifacts = Artifacts(open_store(f"{given.store}/{layout.PROJECT}"))
        given.command(artifacts, given)
    except (CloudError, StoreError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pcr_assets.cloud.registry", description=purpose(__doc__))
    add_store(parser, BUCKET)
    add_profile(parser)
    commands = parser.add_subparsers(required=True, metavar="list|register|approve|reject|sync")
    for name, command, about in (
        ("list", _list, "show what is registered"),
        ("register", _register, "make packages of what is packed"),
        ("sync", _sync, "take over what was approved elsewhere"),
    ):
        add_command(commands, name, about).set_defaults(command=command)
    for name, status in (("approve", APPROVED), ("reject", REJECTED)):
        sub = add_command(commands, name, f"say that a model {'may' if status == APPROVED else 'may not'} be used")
        sub.add_argument("model", metavar="MODEL[:VERSION]")
        sub.add_argument(
            "--why", default=f"{name}d by {os.environ.get('USER') or 'hand'}", help="kept with the package"
        )
        sub.set_defaults(command=_decide, status=status)
    return parser


def _list(artifacts: Artifacts, given: argparse.Namespace) -> None:
    book = registered(artifacts)
    for name, entry in sorted(book.items()):
        print(f"{name:36} {entry['status']:22} {entry['arn']}")
    if not book:
        print("nothing is registered yet: `registered: true` in the section serving of your profile")


def _register(artifacts: Artifacts, given: argparse.Namespace) -> None:
    register(clients.client("sagemaker"), artifacts, settings.load(given.profile))
    _list(artifacts, given)


def _sync(artifacts: Artifacts, given: argparse.Namespace) -> None:
    changed = sync(clients.client("sagemaker"), artifacts)
    print("\n".join(changed) or "nothing changed")


def _decide(artifacts: Artifacts, given: argparse.Namespace) -> None:
    name, entry = decide(clients.client("sagemaker"), artifacts, given.model, given.status, given.why)
    print(f"{name} is {entry.status}: {entry.arn}; `make refresh` brings it into the manifest")


if __name__ == "__main__":
    sys.exit(main())
