"""Where the weights that a training starts from lie, and what is in them: a name stays when its content is replaced."""

from pathlib import Path, PurePosixPath

from pcr_assets import digests
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Store

FILE, STORE, S3 = "file:", "store:", "s3://"
MISSING = "missing"


def content(project: Project, weights: str) -> str:
    """What tells first weights from others of the same name: a file's SHA-256, a stored object's etag.

    Empty where the name says which they are, as of a package and of timm's hub; :data:`MISSING` where there are none: the training
    says what to do about it.
    """
    if weights.startswith(FILE):
        file = Path(weights.removeprefix(FILE))
        return digests.of_file(file) if file.is_file() else MISSING
    if not weights.startswith((STORE, S3)):
        return ""
    store, key = _stored(project, weights)
    return next((entry.etag for entry in store.list_unordered(key) if entry.key == key), MISSING)


def local(project: Project, weights: str, work: Path) -> str:
    """The name of first weights on this machine: what ``store:KEY`` or ``s3://bucket/key`` names is fetched into ``work``."""
    if not weights.startswith((STORE, S3)):
        return weights
    store, key = _stored(project, weights)
    link = work / f"first_weights{PurePosixPath(weights).suffix}"
    link.unlink(missing_ok=True)
    link.symlink_to(store.fetch(key))
    return f"{FILE}{link}"


def _stored(project: Project, weights: str) -> tuple[Store, str]:
    if weights.startswith(STORE):
        return project.root, weights.removeprefix(STORE)
    root, _, key = weights.rpartition("/")
    return project.open(root), key
