"""Fetch, verify and publish pictures, a few at a time. At most two for each worker are under way: memory stays bounded."""

from collections.abc import Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice

from pcr_assets.ingest.client import Busy, Client, FetchError
from pcr_assets.ingest.pictures import MOST_BYTES, picture
from pcr_assets.ingest.plan import Scan
from pcr_assets.resources.store import Store


@dataclass(frozen=True)
class Outcome:
    """A scan that was published with so many bytes, or why there is none."""

    scan: Scan
    size: int = 0
    error: FetchError | None = None


def fetch_all(scans: Iterable[Scan], client: Client, store: Store, workers: int) -> Generator[Outcome]:
    """Outcomes as they come. Raises StoreError and :class:`Busy`, which concern all that is left to do.

    Close the iterator to end early: what is under way is dropped, nothing is left half.
    """
    left = iter(scans)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="ingest")
    try:
        pending: set[Future[Outcome]] = set()
        while True:
            pending |= {pool.submit(fetch, scan, client, store) for scan in islice(left, 2 * workers - len(pending))}
            if not pending:
                return
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BaseException:
        client.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def fetch(scan: Scan, client: Client, store: Store) -> Outcome:
    """One scan, verified before it is published. Raises as :func:`fetch_all` does."""
    try:
        data = client.get(scan.card.image, picture, MOST_BYTES)
    except Busy:
        raise
    except FetchError as error:
        return Outcome(scan, error=error)
    store.write(scan.key, data)
    return Outcome(scan, len(data))
