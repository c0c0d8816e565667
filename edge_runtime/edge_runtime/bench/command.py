"""``edge-runtime bench``: every model of a release that this device can run, as a table or JSON."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_runtime.releases.refusals import ReleaseError
from edge_runtime.releases.trust import NotARoot
from edge_runtime.terminal import tell, thread_count
from edge_runtime.watch import at_least_one, stoppable


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--releases", required=True, metavar="PLACE", help="a home, or a publisher's folder or URL")
    parser.add_argument("--variant", help="one model of the release by its name (default: each)")
    parser.add_argument("--frames", type=at_least_one, default=20, help="frames that are timed (default: 20)")
    parser.add_argument("--threads", type=thread_count, help="threads of one model call (default: one for each core)")
    parser.add_argument("--json", action="store_true", help="one JSON value")


def run(options: argparse.Namespace) -> int:
    """Time and print. The exit code: 0, 1 when no model could be run, 2 when no release was opened."""
    from edge_runtime.releases.opening import open_newest

    try:
        release = open_newest(options.releases, say=_complain)
        names = [release.variant(options.variant).name] if options.variant else list(release.variants)
    except (ReleaseError, NotARoot) as error:
        _complain(str(error))
        return 2
    with stoppable():  # or a process that measures went on by itself
        results = {name: measured(release.folder, name, options.frames, options.threads) for name in names}
    tell(json.dumps(results, ensure_ascii=False) if options.json else in_words(results))
    return int(all("error" in result for result in results.values()))


def measured(folder: Path, variant: str, frames: int, threads: int | None = None) -> dict[str, Any]:
    """One model, timed in a process of its own; ``error`` says why it can't be run."""
    given = [str(folder), variant, str(frames), str(threads or 0), str(time.monotonic())]
    command = [sys.executable, "-P", "-m", "edge_runtime.bench.measure", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"]
        return {"variant": variant, "error": lines[-1]}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def in_words(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A block for each model."""
    return "\n\n".join(_block(name, result) for name, result in results.items())


def _block(name: str, result: Mapping[str, Any]) -> str:
    if "error" in result:
        return f"{name}: {result['error']}"
    where = f"the {result['chip']} chip" if result.get("chip") else "the processor"
    parts = result["milliseconds"]
    rows = [
        f"  {part:<12}{row['median']:>9.1f}{row['p95']:>9.1f}" for part, row in parts.items() if row["p95"] >= 0.005
    ]
    seconds, size = result["seconds"], result["bytes"]
    return "\n".join(
        [
            f"{name} on {where}, {result['scans']} scans, {result['frames']} frames, {result['named_right']} named right",
            f"  {'ms':<12}{'median':>9}{'p95':>9}",
            *rows,
            f"  start to first answer {seconds['first answer']:.2f} s, of it imports {seconds['imports']:.2f} s; "
            f"memory {size['resident'] / 1e6:.0f} MB",
        ]
    )


def _complain(line: str) -> None:
    print(f"edge-runtime: {line}", file=sys.stderr)
