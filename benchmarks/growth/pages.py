"""What Dagster's pages ask of a webserver over GraphQL, timed: the graph, an asset with its table of sets, runs, the sensor."""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

METADATA = """
metadataEntries {
  label description
  ... on TableMetadataEntry { table { records schema { columns { name type } } } }
  ... on MarkdownMetadataEntry { mdStr }
  ... on IntMetadataEntry { intValue }
  ... on FloatMetadataEntry { floatValue }
  ... on TextMetadataEntry { text }
}
"""
EVENTS = """
query ($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) { ... on Asset {
    %s(limit: 100) { timestamp runId partition tags { key value } %s }
  } }
}
"""
PAGES = {
    "the graph": (
        """
{ assetNodes {
  id assetKey { path } groupName kinds description opNames jobNames isPartitioned isObservable isMaterializable
  dependencyKeys { path } dependedByKeys { path }
  owners { ... on TeamAssetOwner { team } } tags { key value }
} }""",
        {},
    ),
    "what is stale": (
        """
{ assetNodes { assetKey { path } staleStatus staleCauses { key { path } reason category }
  assetMaterializations(limit: 1) { timestamp runId }
} }""",
        {},
    ),
    "processed_cards": (EVENTS % ("assetMaterializations", METADATA), {"key": {"path": ["processed_cards"]}}),
    "raw_card_images": (EVENTS % ("assetObservations", METADATA), {"key": {"path": ["raw_card_images"]}}),
    "the runs": ("{ runsOrError(limit: 30) { ... on Runs { results { id status tags { key value } } } } }", {}),
}
TURNS, PATIENCE = 5, 240


@contextmanager
def webserver(environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """`dagster-webserver` on loopback over our definitions; gives its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-m", "pcr_assets.definitions", "--read-only"]
    with log.open("w") as lines:
        process = subprocess.Popen(command, env=environment, stdout=lines, stderr=lines, start_new_session=True)
    try:
        for _ in range(PATIENCE):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info").close()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None:
                    raise SystemExit(f"the webserver ended: {log.read_text()[-2000:]}") from None
                time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def asked(url: str, query: str, variables: Mapping[str, Any]) -> int:
    """Ask once; gives the bytes of the answer. Raises SystemExit for an answer with errors."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        data: bytes = answer.read()
    if "errors" in (said := json.loads(data)):
        raise SystemExit(f"a page's query failed: {said['errors'][0]['message']}")
    return len(data)


def pages(url: str) -> dict[str, dict[str, float]]:
    """Each page's query after a first one that loads the definitions: the median's milliseconds, and kB of the answer."""
    found = {}
    for name, (query, variables) in PAGES.items():
        size, spent = asked(url, query, variables), []
        for _ in range(TURNS):
            start = time.perf_counter()
            asked(url, query, variables)
            spent.append(1e3 * (time.perf_counter() - start))
        found[name] = {"milliseconds": round(statistics.median(spent), 1), "kb": round(size / 1e3, 1)}
    return found
