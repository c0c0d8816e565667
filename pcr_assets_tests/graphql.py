"""Asking a Dagster webserver, as its pages do."""

import json
import time
import urllib.error
import urllib.request

STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
TIMEOUT = 240
"""Seconds."""


def wait_for(url, process, log):
    """The URL, as soon as the webserver of a process answers there; ``log`` is what it says."""
    for _ in range(TIMEOUT):
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(f"{url}/server_info").close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
        else:
            return url
    raise AssertionError(log.read_text()[-3000:])


def ask(url, query, **variables):
    """The data of an answer."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)
    assert "errors" not in found, found["errors"]
    return found["data"]
