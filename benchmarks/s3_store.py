"""How fast does the store list, read and write on S3, beside boto3 and s3transfer on the same server?

``python benchmarks/s3_store.py`` starts an S3 server of its own (SeaweedFS) on this machine and puts 5,000 objects of 20 kB
and one of 256 MB there. Peers and ours take turns; a ratio above 1 says that ours is faster. The server on this machine answers at
once, as no bucket does, so small objects are also read with a wait before each request. With ``--root s3://bucket/prefix``
another server is asked, found by the ``PCR_S3_…`` settings; what was written stays there.

s3transfer is what ``aws s3 cp`` and ``boto3.client.download_file`` are made of; it gets as many requests at once as ours.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from s3transfer.manager import TransferConfig, TransferManager

from pcr_assets.resources import downloads
from pcr_assets.resources.s3_store import S3Store
from pcr_assets.resources.s3_transfers import AT_ONCE, PART

RESULT = Path(__file__).parent / "results" / "s3_store.json"
SMALL = 20_000
LARGE = 256 << 20
Turns = dict[str, list[float]]


def main(arguments: list[str]) -> int:
    """Measure, print and write the result."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--root", help="s3://bucket/prefix of a server that runs (default: one is started)")
    options.add_argument("--objects", type=int, default=5000)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--away", type=float, default=20, help="milliseconds that each request waits, as on a network")
    options.add_argument("--output", type=Path, default=RESULT)
    given = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, served(given.root, Path(folder)) as root:
        downloads.CACHE = Path(folder, "cache")
        bench = Bench(S3Store(root), Path(folder), given.objects)
        bench.fill()
        measured = {
            "list": bench.turns(given.turns, bench.listing()),
            "read small objects into memory": bench.turns(given.turns, bench.reading()),
            f"the same, {given.away:g} ms away": bench.turns(given.turns, bench.reading(away=given.away)),
            "fetch small objects into files": bench.turns(given.turns, bench.fetching()),
            "upload the large object": bench.turns(given.turns, bench.uploading()),
            "fetch the large object": bench.turns(given.turns, bench.downloading()),
        }
    seconds = {name: {who: statistics.median(times) for who, times in of.items()} for name, of in measured.items()}
    result = {
        "objects": given.objects,
        "small_bytes": SMALL,
        "large_bytes": LARGE,
        "requests_at_once": AT_ONCE,
        "turns": given.turns,
        "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 1),
        "seconds": {name: {who: round(taken, 2) for who, taken in of.items()} for name, of in seconds.items()},
        "ratios": {name: ratios(of) for name, of in seconds.items()},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    return 0


def ratios(seconds: dict[str, float]) -> dict[str, float]:
    """How many times faster than each peer ours is."""
    return {f"beside {who}": round(taken / seconds["ours"], 2) for who, taken in seconds.items() if who != "ours"}


@contextmanager
def served(root: str | None, folder: Path) -> Iterator[str]:
    """A root on the given server, or on one that lives as long as the benchmark."""
    if root:
        yield root
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from pcr_assets_tests.s3_server import S3Server

    server = S3Server(folder / "server")
    try:
        server.start()
        os.environ.update(server.environment)
        yield f"s3://{server.bucket}/benchmark"
    finally:
        server.kill()


class Bench:
    """What is timed. Each method gives the peers' work and ours, by name."""

    def __init__(self, store: S3Store, folder: Path, objects: int):
        self.store, self.folder, self.objects = store, folder, objects
        self.large, self.down = folder / "large", folder / "down"
        self.away = 0.0
        store.client.meta.events.register("before-send.s3", lambda **_: time.sleep(self.away) if self.away else None)
        self.place = {"Bucket": store.bucket, "Key": f"{store.prefix}/large"}

    def fill(self) -> None:
        """Put the objects there."""
        data = os.urandom(SMALL)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            keys = [f"small/set{number % 50:02}/{number:05}" for number in range(self.objects)]
            list(pool.map(lambda key: self.store.write(key, key.encode() + data), keys))
        with self.large.open("wb") as file:
            for _ in range(LARGE >> 20):
                file.write(os.urandom(1 << 20))
        with self.large.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self.store.write("large", self.large)
        self.entries = list(self.store.list("small"))

    def turns(self, count: int, works: dict[str, Callable[[], object]]) -> Turns:
        """Seconds of each work, ``count`` times each, in turns."""
        taken: Turns = {who: [] for who in works}
        for _ in range(count):
            for who, work in works.items():
                shutil.rmtree(self.down, ignore_errors=True)
                shutil.rmtree(downloads.CACHE, ignore_errors=True)
                self.down.mkdir()
                began = time.perf_counter()
                work()
                taken[who].append(time.perf_counter() - began)
        return taken

    def listing(self) -> dict[str, Callable[[], object]]:
        """All keys with sizes and etags."""
        pages = self.store.client.get_paginator("list_objects_v2")
        prefix = f"{self.store.prefix}/small/"

        def plain() -> int:
            return sum(len(page["Contents"]) for page in pages.paginate(Bucket=self.store.bucket, Prefix=prefix))

        return {"boto3 paginator": plain, "ours": lambda: list(self.store.list("small"))}

    def reading(self, away: float = 0) -> dict[str, Callable[[], object]]:
        """The bytes of small objects, one after the other for the reader; a tenth of them where each request waits."""
        entries = self.entries[:: 10 if away else 1]
        self.away = away / 1000

        def get(key: str) -> bytes:
            return self.store.client.get_object(**self.store._at(key))["Body"].read()

        def threads() -> None:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(get, (entry.key for entry in entries)):
                    pass

        return {
            "boto3 loop": lambda: [get(entry.key) and None for entry in entries],
            "boto3 in as many threads": threads,
            "ours": lambda: [data and None for data in self.store.read_many(entries)],
        }

    def fetching(self) -> dict[str, Callable[[], object]]:
        """All small objects as files."""
        self.away = 0.0

        def transfers() -> None:
            with self._manager() as manager:
                waiting = [
                    manager.download(
                        self.store.bucket, f"{self.store.prefix}/{entry.key}", str(self.down / str(number))
                    )
                    for number, entry in enumerate(self.entries)
                ]
                for future in waiting:
                    future.result()

        return {"s3transfer": transfers, "ours": lambda: list(self.store.fetch_many(self.entries))}

    def uploading(self) -> dict[str, Callable[[], object]]:
        """The large object, with SHA-256 digests of its parts."""

        def transfer() -> None:
            with self._manager() as manager:
                checksum = {"ChecksumAlgorithm": "SHA256"}
                manager.upload(str(self.large), self.place["Bucket"], self.place["Key"], checksum).result()

        return {"s3transfer": transfer, "ours": lambda: self.store.write("large", self.large)}

    def downloading(self) -> dict[str, Callable[[], object]]:
        """The large object as a file; ours also compares its SHA-256 with the published one."""

        def stream() -> None:
            with (self.down / "large").open("wb") as file:
                for chunk in self.store.client.get_object(**self.place)["Body"].iter_chunks(1 << 20):
                    file.write(chunk)

        def transfer() -> None:
            with self._manager() as manager:
                manager.download(self.place["Bucket"], self.place["Key"], str(self.down / "large")).result()

        return {"boto3 stream": stream, "s3transfer": transfer, "ours": lambda: self.store.fetch("large", self.sha256)}

    def _manager(self) -> TransferManager:
        sizes = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_request_concurrency=AT_ONCE)
        return TransferManager(self.store.client, sizes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
