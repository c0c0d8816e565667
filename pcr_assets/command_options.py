"""Options that several commands take: which store, and which profile."""

import argparse
import os

from pcr_assets import layout

FOLDER_OR_BUCKET, BUCKET = "folder or s3://…", "s3://BUCKET/PREFIX"


def purpose(doc: str | None) -> str:
    """What a module says of itself in its first sentence, after the command, as `--help` shows it."""
    first = " ".join((doc or "").partition("\n\n")[0].split())
    said = first.partition("``: ")[2].replace("``", "")
    return said[:1].upper() + said[1:]


def usual_store() -> str:
    """``PCR_STORE``, else the folder ``store``; the project's own place in a store means that store."""
    return (os.environ.get("PCR_STORE") or "store").rstrip("/").removesuffix(f"/{layout.PROJECT}") or "/"


def usual_profile() -> str:
    """``PCR_PROFILE``, else ``embedded``."""
    return os.environ.get("PCR_PROFILE") or "embedded"


def add_store(parser: argparse.ArgumentParser, what: str = FOLDER_OR_BUCKET) -> None:
    """``--store``; ``what`` it takes."""
    parser.add_argument("--store", default=usual_store(), help=f"{what} (default: PCR_STORE)")


def add_profile(parser: argparse.ArgumentParser) -> None:
    """``--profile``."""
    parser.add_argument("--profile", default=usual_profile(), help="name or YAML file (default: PCR_PROFILE)")
