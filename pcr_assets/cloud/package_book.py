"""The book of registered packages: ``metadata/model_registry.json`` of the store, which the project's manifest reads."""

from dataclasses import dataclass
from typing import Any

from pcr_assets import layout
from pcr_assets.cloud.clients import CloudError
from pcr_assets.project_records.manifest import as_json
from pcr_assets.project_records.models import registered
from pcr_assets.project_records.placing import place
from pcr_assets.resources.artifacts import Artifact, Artifacts, number_of

APPROVED, REJECTED = "Approved", "Rejected"


@dataclass(frozen=True)
class Registered:
    """One package: its name in the registry, whether it may be used, the digest of its content, and its archive's key."""

    arn: str
    status: str
    digest: str
    archive: str


Book = dict[str, dict[str, Any]]
"""``model_registry.json``: packages by ``model:version``; by ``model:version@number`` those that were approved before."""


def write(artifacts: Artifacts, book: Book) -> Artifact:
    """Put the book in its place."""
    return place(artifacts, layout.REGISTERED, {layout.REGISTRY: as_json(dict(sorted(book.items())))})


def enter(book: Book, name: str, entry: dict[str, Any]) -> None:
    """Put a package into the book. One of the same version whose place it takes stays beside it if it was approved: it may
    be in service, and is what there is to serve until the new one is approved."""
    before = book.get(name)
    for other in [other for other, held in book.items() if held["arn"] == entry["arn"]]:
        del book[other]
    if before and before["arn"] != entry["arn"] and before["status"] == APPROVED:
        book[f"{name}@{_number(before['arn'])}"] = before
    book[name] = entry


def _number(arn: str) -> str:
    """A package's number in its group."""
    return arn.rpartition("/")[2]


def approved(artifacts: Artifacts, model: str) -> tuple[str, Registered]:
    """The newest approved version of a model, and its full name. Raises CloudError where there is none."""
    book = registered(artifacts)
    names = [name for name in _versions(book, model) if book[name]["status"] == APPROVED]
    if not names:
        raise CloudError(
            f"no version of {model} is approved: `make approve MODEL={model}`, after a look at what it can do"
        )
    return names[-1], Registered(**book[names[-1]])


def full_name(book: Book, model: str) -> str:
    """``NAME:VERSION`` of a model of the book, the newest where no version is named. Raises CloudError."""
    names = [model] if model in book else _versions(book, model)
    if not names:
        raise CloudError(f"{model} is not registered; registered are {', '.join(sorted(book)) or 'none'}")
    return names[-1]


def _versions(book: Book, model: str) -> list[str]:
    """The names of a model's packages in the book, the newest last."""

    def age(name: str) -> tuple[tuple[int, int], bool, str]:
        version, replaced, number = name.partition(":")[2].partition("@")
        return number_of(version) or (0, 0), not replaced, number.zfill(9)

    return sorted((name for name in book if name.partition(":")[0] == model), key=age)
