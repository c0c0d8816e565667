"""What several commands have in common: which store and which profile they take, and how they end."""

import argparse
import os
import sys
from typing import NoReturn

from pcr_assets import layout

MISUSED, INTERRUPTED = 64, 130
"""Exit codes: of a mistake in the command line (sysexits.h), and of what Ctrl-C or another signal ended, as shells count it."""
FOLDER_OR_BUCKET, BUCKET = "folder or s3://…", "s3://BUCKET/PREFIX"


class Parser(argparse.ArgumentParser):
    """Mistakes exit with :data:`MISUSED`, for commands of which 2 has a meaning of its own."""

    def error(self, message: str) -> NoReturn:
        """See :meth:`argparse.ArgumentParser.error`."""
        self.print_usage(sys.stderr)
        self.exit(MISUSED, f"{self.prog}: {message}\n")


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
