"""Work that is measured in a process of its own: ``python benchmarks/device/alone.py KIND RELEASE …``, one JSON value out.

The release is a grown one, which nobody signed: its signature is not asked for, its files are read and hashed as ever.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch


def unsigned() -> Any:
    """Open releases without a signature, in this process."""
    return patch("edge_runtime.releases.release.verified_proof", lambda *_: None)


def soak(folder: Path, seconds: float) -> dict[str, Any]:
    """Recognise and follow the same frames again and again; the memory of this process over time."""
    from edge_runtime.bench.frames import frames
    from edge_runtime.bench.measure import memory
    from edge_runtime.following.tracks import Tracker
    from edge_runtime.judging.references import References
    from edge_runtime.recognizer import Recognizer
    from edge_runtime.releases.release import open_release

    release = open_release(folder)
    with Recognizer.open(release, threads=1) as recognizer:
        shown = frames(References(release.references), recognizer.gallery.keys, 20)
        tracker, events, samples, read = Tracker(), 0, [], 0
        start = time.monotonic()
        while (now := time.monotonic() - start) < seconds:
            _, image = shown[read // 8 % len(shown)]  # a card lies there for eight frames
            events += len(tracker.update(recognizer.recognize(image).cards, now))
            read += 1
            if not samples or now - samples[-1][0] >= seconds / 200:
                samples.append((round(now, 2), memory()["resident"]))
    return {"frames": read, "events": events, "samples": samples}


def main() -> int:
    """Do what the arguments ask for."""
    kind, folder, *given = sys.argv[1:]
    with unsigned():
        if kind == "serve":
            from edge_runtime.cli import main as edge_runtime

            source, *options = given
            return edge_runtime(["serve", source, "--releases", folder, *options])
        if kind == "soak":
            said = soak(Path(folder), float(given[0]))
        else:
            from edge_runtime.bench.measure import measure

            variant, count, started = given
            said = measure(Path(folder), variant, int(count), 1, float(started))
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
