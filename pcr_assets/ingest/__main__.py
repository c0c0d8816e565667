"""``python -m pcr_assets.ingest [SET…]``: fill the raw card folder from a public catalogue. ``make ingest`` calls it.

Exit codes: 0 all there, 1 something failed, 64 a mistake in the command line, 130 stopped. What was fetched stays in any
case, and is not fetched again.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence

from edge_runtime.terminal import counted, on_one_line
from pcr_assets.cards.catalogue import CatalogueError
from pcr_assets.command_options import INTERRUPTED, MISUSED, Parser
from pcr_assets.ingest.client import Client, FetchError, Manners, Unreachable
from pcr_assets.ingest.intake import GaveUp, Intake, Order, expected_bytes, fill, label, look, open_raw
from pcr_assets.ingest.pace import Stopped
from pcr_assets.ingest.sources import NAMES, Card, UnknownLanguage, UnknownSet, source
from pcr_assets.resources.project import Project
from pcr_assets.resources.store import Store, StoreError

FAILED = 1
TOLD = 12
"""Cards without a picture that are named; failures are told of one by one."""
STAYS = "what was fetched stays, the next run goes on from there"


def main(argv: Sequence[str] | None = None) -> int:
    """Run an intake and return its exit code."""
    options = _parser().parse_args(argv)
    catalogue = source(options.source)
    order = Order(catalogue, (options.api or catalogue.API).rstrip("/"), options.images, options.sets, options.lang)
    try:
        catalogue.check(order.lang)
        raw, above = open_raw(Project(raw=options.cards))
        with Client(_manners(options), plain=order.plain) as client:
            return _ingest(client, order, raw, above, options)
    except (Exception, KeyboardInterrupt) as error:
        sentence, code = _told(error)
        if not sentence:
            raise
        print(on_one_line(sentence), file=sys.stderr)
        return code


def _told(error: BaseException) -> tuple[str, int]:
    """What a person is told of an error, and the exit code. No sentence: nobody foresaw this one, show all of it."""
    said, code = "", FAILED
    match error:
        case UnknownLanguage() | UnknownSet():
            said, code = str(error), MISUSED
        case KeyboardInterrupt() | Stopped():
            said, code = f"stopped: {STAYS}", INTERRUPTED
        case Unreachable():
            said = f"{error}: look after the network or the proxy, or name a mirror in PCR_INGEST_API; {STAYS}"
        case FetchError() | GaveUp():
            said = f"{error}; {STAYS}"
        case StoreError() | CatalogueError():
            said = str(error)
        case OSError():
            said = f"{error}: free space or mend the rights, then run again"
    return said, code


def _ingest(client: Client, order: Order, raw: Store, above: Store | None, options: argparse.Namespace) -> int:
    print(f"{options.source} at {order.api} → {raw.root}", flush=True)
    intake, catalogue = look(client, order, raw, above)
    if options.dry_run:
        return _report(intake, [_ahead(client, intake, options.rate)])
    try:
        fill(client, intake, raw, catalogue, options.workers)
    finally:
        left = len(intake.plan.wanted) - intake.tried
        fetched = f"{len(intake.fetched)} fetched ({_megabytes(sum(intake.fetched.values()))})"
        code = _report(intake, [fetched, f"{left} left"] if left else [fetched])
    if catalogue.carried:
        print(f"rows of {catalogue.carried} were taken over: {raw.root}/cards.csv is the one that counts now")
    named = options.cards or os.environ.get("PCR_CARDS")
    print(f"next: make refresh{f' CARDS={shlex.quote(raw.root)}' if named else ''}")
    return code


def _ahead(client: Client, intake: Intake, rate: float) -> str:
    """What there is to fetch; the sizes of a few pictures tell about how much it is."""
    count = len(intake.plan.wanted)
    if not count:
        return "nothing to fetch"
    size, asked = expected_bytes(client, intake.plan.wanted)
    about = f"about {_megabytes(size)}, by {asked} of them" if size is not None else "of unknown size"
    return f"{count} to fetch in as many requests ({about}; {count / rate / 60:.1f} minutes or more)"


def _report(intake: Intake, done: list[str]) -> int:
    """Print what became of the cards and why some failed; gives the exit code."""
    plan = intake.plan
    parts = [*done, f"{len(plan.held) + len(plan.known)} were there", f"{len(plan.pictureless)} have no picture"]
    parts += [f"{len(intake.failures)} failed"] if intake.failures else []
    print(f"{counted(intake.sets, 'set')}, {counted(plan.count, 'card')}: {', '.join(parts)}")
    _name("without a picture", plan.pictureless)
    for what, reason in intake.failures:
        print(on_one_line(f"failed  {what}: {reason}"), file=sys.stderr)
    return FAILED if intake.failures else 0


def _name(what: str, cards: Sequence[Card]) -> None:
    if cards:
        more = f" and {len(cards) - TOLD} more" if len(cards) > TOLD else ""
        print(on_one_line(f"{what}: {', '.join(map(label, cards[:TOLD]))}{more}"))


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def _manners(options: argparse.Namespace) -> Manners:
    return Manners(options.rate, options.tries, options.backoff, silence=options.timeout)


def _positive(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise ValueError
    return value


def _count(text: str) -> int:
    if (value := int(text)) < 1:
        raise ValueError
    return value


def _address(text: str) -> str:
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise argparse.ArgumentTypeError("cards.csv would hold the password of this address: let ~/.netrc give it")
    return text


_positive.__name__, _count.__name__ = "number above 0", "whole number above 0"  # what argparse says of a wrong one


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m pcr_assets.ingest", description="Fill the raw card folder from a public catalogue.")
    mirror, pictures = os.environ.get("PCR_INGEST_API", ""), os.environ.get("PCR_INGEST_IMAGES", "")
    option = parser.add_argument
    option("sets", nargs="*", metavar="SET", help="ids such as base1 sv3pt5, or the catalogue's own; none: all sets")
    option("--source", choices=NAMES, default=NAMES[0], help="which catalogue (default: %(default)s)")
    option("--lang", default="en", help="language of the cards (default: %(default)s)")
    option(
        "--cards", default="", help="folder or s3:// URL to fill (default: PCR_CARDS, else the raw folder of the store)"
    )
    option("--dry-run", action="store_true", help="say what would be fetched")
    option("--rate", type=_positive, default=Manners.rate, help="requests a second, at most (default: %(default)s)")
    option("--workers", type=_count, default=4, help="pictures fetched at a time (default: %(default)s)")
    option("--tries", type=_count, default=Manners.tries, help="tries for each address (default: %(default)s)")
    option(
        "--backoff",
        type=_positive,
        default=Manners.backoff,
        help="seconds to the second try; doubles (default: %(default)s)",
    )
    option("--timeout", type=_positive, default=Manners.silence, help="seconds without a byte (default: %(default)s)")
    option(
        "--api",
        type=_address,
        default=mirror,
        help="where the catalogue is (default: PCR_INGEST_API, else its own address)",
    )
    option(
        "--images",
        type=_address,
        default=pictures,
        help="a mirror of the pictures (default: PCR_INGEST_IMAGES, else as published)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
