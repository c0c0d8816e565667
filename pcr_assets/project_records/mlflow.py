"""``python -m pcr_assets.project_records.mlflow --server URL``: the index of experiments, copied to an MLflow server.

For people who want MLflow's pages. The index stays what counts: a run that the server has is not sent again, and a server
that is lost is filled again. It speaks MLflow's REST API, so that no MLflow has to be installed here.
https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import requests

from pcr_assets import layout
from pcr_assets.command_options import add_store
from pcr_assets.project_records import experiments
from pcr_assets.resources.store import Missing, StoreError, open_store

SECONDS = 30
MOST_PARAMS, MOST_METRICS = 100, 1000
"""Of one request, as MLflow limits them."""
RUN_TAG = "pcr.run_id"
ABSENT = "RESOURCE_DOES_NOT_EXIST"


class TrackingError(Exception):
    """The server refused or did not answer; the message says what to do. ``code`` is MLflow's own, where it gave one."""

    def __init__(self, sentence: str, code: str = ""):
        super().__init__(sentence)
        self.code = code


class Tracking:
    """An MLflow server."""

    def __init__(self, server: str):
        if not server.startswith(("http://", "https://")):
            raise TrackingError(f"{server} is no server: write a URL, such as http://127.0.0.1:5000")
        self.base = f"{server.rstrip('/')}/api/2.0/mlflow"

    def ask(self, what: str, body: Mapping[str, Any], method: str = "POST") -> dict[str, Any]:
        """One request. Raises TrackingError."""
        given: dict[str, Any] = {"params": body} if method == "GET" else {"json": body}
        try:
            answer = requests.request(method, f"{self.base}/{what}", timeout=SECONDS, **given)
            found = dict(answer.json()) if answer.content else {}
        except (requests.RequestException, ValueError) as error:
            raise TrackingError(
                f"no MLflow answers at {self.base} ({type(error).__name__}): look whether it runs"
            ) from error
        if not answer.ok:
            said = f"MLflow refused {what}: {found.get('message', answer.reason)}"
            raise TrackingError(said, str(found.get("error_code", "")))
        return found

    def experiment(self, name: str) -> str:
        """The id of an experiment; it is made where there is none."""
        try:
            found = self.ask("experiments/get-by-name", {"experiment_name": name}, "GET")
            return str(found["experiment"]["experiment_id"])
        except TrackingError as error:
            if error.code != ABSENT:
                raise
        return str(self.ask("experiments/create", {"name": name})["experiment_id"])

    def has(self, experiment: str, run_id: str) -> bool:
        """Whether a run of ours is there and whole."""
        found = self.ask(
            "runs/search",
            {
                "experiment_ids": [experiment],
                "filter": f"tags.`{RUN_TAG}` = '{run_id}' and attributes.status = 'FINISHED'",
                "max_results": 1,
            },
        )
        return bool(found.get("runs"))

    def add(self, experiment: str, run: Mapping[str, Any]) -> None:
        """Send one run. It is marked as finished last, so that a copy that broke off is sent anew."""
        began, ended = (round(1000 * datetime.fromisoformat(run[at]).timestamp()) for at in ("start_time", "end_time"))
        tags = {**run["tags"], RUN_TAG: run["run_id"], "model": run["model"], "digest": run["digest"]}
        tags |= {f"input.{name}": digest for name, digest in run["inputs"].items()}
        made = self.ask(
            "runs/create",
            {"experiment_id": experiment, "start_time": began, "run_name": run["model"], "tags": _pairs(tags)},
        )
        run_id = made["run"]["info"]["run_id"]
        metrics = [{"key": key, "value": value, "timestamp": ended, "step": 0} for key, value in run["metrics"].items()]
        for name, entries, most in (("params", _pairs(run["params"]), MOST_PARAMS), ("metrics", metrics, MOST_METRICS)):
            for part in _parts(entries, most):
                self.ask("runs/log-batch", {"run_id": run_id, name: part})
        self.ask("runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": ended})


def copy(index: Mapping[str, Any], tracking: Tracking) -> int:
    """Send what the server lacks; gives the number of runs sent. Raises TrackingError."""
    sent = 0
    for entry in index["experiments"]:
        experiment = tracking.experiment(entry["name"])
        for run in entry["runs"]:
            if not tracking.has(experiment, run["run_id"]):
                tracking.add(experiment, run)
                sent += 1
    return sent


def _pairs(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in values.items()]


def _parts(entries: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    yield from (entries[start : start + most] for start in range(0, len(entries), most))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pcr_assets.project_records.mlflow", description=(__doc__ or "").split("\n")[0]
    )
    add_store(parser)
    parser.add_argument(
        "--server", default=os.environ.get("MLFLOW_TRACKING_URI", ""), help="default: MLFLOW_TRACKING_URI"
    )
    given = parser.parse_args(argv)
    store = open_store(f"{given.store}/{layout.PROJECT}")
    try:
        index = json.loads(store.read(experiments.FILE))
        sent = copy(index, Tracking(given.server))
    except Missing:
        print(
            f"{store.root}/{experiments.FILE} is not there yet: `make build ASSET=experiments_index` writes it",
            file=sys.stderr,
        )
        return 1
    except (TrackingError, StoreError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"sent {sent} runs to {given.server}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
