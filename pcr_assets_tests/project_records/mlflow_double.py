"""A double of MLflow's REST API: it keeps what it is told, and refuses what a server refuses."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NAME = re.compile(r"^[/\w.\- :]*$")


class Refused(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(message)
        self.status, self.code = status, code


class MlflowDouble:
    """Experiments and runs in memory, behind HTTP on a free port of this machine."""

    def __init__(self):
        self.experiments, self.runs, self.refuse_after = {}, {}, None
        double = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                self.answer(asked)

            def do_POST(self):
                self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def answer(self, asked):
                status, body = 200, {}
                try:
                    name = urlsplit(self.path).path.removeprefix("/api/2.0/mlflow/").replace("/", "_").replace("-", "_")
                    body = getattr(double, name)(asked) or {}
                except Refused as refused:
                    status, body = refused.status, {"error_code": refused.code, "message": str(refused)}
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def experiments_get_by_name(self, asked):
        if asked["experiment_name"] not in self.experiments:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", "no such experiment")
        return {"experiment": {"experiment_id": self.experiments[asked["experiment_name"]]}}

    def experiments_create(self, asked):
        if asked["name"] in self.experiments:
            raise Refused(400, "RESOURCE_ALREADY_EXISTS", asked["name"])
        self.experiments[asked["name"]] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[asked["name"]]}

    def runs_search(self, asked):
        found = re.fullmatch(r"tags\.`(.+)` = '(.+)' and attributes\.status = 'FINISHED'", asked["filter"])
        if not found:
            raise Refused(400, "INVALID_PARAMETER_VALUE", "invalid filter")
        tag, value = found.groups()
        runs = [run for run in self.runs.values() if run["experiment"] in asked["experiment_ids"]]
        return {"runs": [{} for run in runs if run["tags"].get(tag) == value and run["status"] == "FINISHED"]}

    def runs_create(self, asked):
        run = {"experiment": asked["experiment_id"], "status": "RUNNING", "params": {}, "metrics": {}}
        run_id = f"run{len(self.runs)}"
        self.runs[run_id] = {
            **run,
            "tags": {tag["key"]: tag["value"] for tag in asked["tags"]},
            "name": asked["run_name"],
        }
        return {"run": {"info": {"run_id": run_id}}}

    def runs_log_batch(self, asked):
        if self.refuse_after is not None:
            self.refuse_after -= 1
            if self.refuse_after < 0:
                raise Refused(503, "TEMPORARILY_UNAVAILABLE", "the database is locked")
        params, metrics = asked.get("params", []), asked.get("metrics", [])
        bad = [entry["key"] for entry in [*params, *metrics] if not NAME.match(entry["key"])]
        if len(params) > 100 or len(metrics) > 1000 or bad:
            raise Refused(400, "INVALID_PARAMETER_VALUE", f"too many, or names like {bad}")
        if any(not isinstance(entry["value"], str) or len(entry["value"]) > 6000 for entry in params):
            raise Refused(400, "INVALID_PARAMETER_VALUE", "a parameter is too long, or no text")
        run = self.runs[asked["run_id"]]
        run["params"] |= {entry["key"]: entry["value"] for entry in params}
        run["metrics"] |= {entry["key"]: entry["value"] for entry in metrics}

    def runs_update(self, asked):
        self.runs[asked["run_id"]]["status"] = asked["status"]
