"""Options that several commands take: which store, and which profile."""

import argparse
import os

FOLDER_OR_BUCKET, BUCKET = "folder or s3://…", "s3://BUCKET/PREFIX"


def usual_store() -> str:
    """``PCR_STORE``, else the folder ``store``."""
    return os.environ.get("PCR_STORE") or "store"


def usual_profile() -> str:
    """``PCR_PROFILE``, else ``embedded``."""
    return os.environ.get("PCR_PROFILE") or "embedded"


def add_store(parser: argparse.ArgumentParser, what: str = FOLDER_OR_BUCKET) -> None:
    """``--store``; ``what`` it takes."""
    parser.add_argument("--store", default=usual_store(), help=f"{what} (default: PCR_STORE)")


def add_profile(parser: argparse.ArgumentParser) -> None:
    """``--profile``."""
    parser.add_argument("--profile", default=usual_profile(), help="name or YAML file (default: PCR_PROFILE)")
