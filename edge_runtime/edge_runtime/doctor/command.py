"""``edge-runtime doctor``: all checks, as text or JSON. Exit code 0 where all is well, 1 where somebody should act."""

import argparse
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from edge_runtime.doctor.cameras import cameras
from edge_runtime.doctor.finding import Finding, note
from edge_runtime.doctor.hardware import clock, disk, memory, temperature, throttling
from edge_runtime.doctor.machine import Machine
from edge_runtime.doctor.software import packages, processor, python
from edge_runtime.publishers import is_url
from edge_runtime.terminal import tell

STATE_FOLDER = "/var/lib/edge-runtime"
"""The home of the service that ``install.sh`` sets up."""
UNSEEN = "not looked at, nor a chip: ask again once the packages are in order"


def run(options: argparse.Namespace, machine: Machine | None = None) -> int:
    """Examine this device and print what was found."""
    findings = examine(machine or Machine(), options.releases, options.source)
    if options.json:
        bad = any(finding.state.is_bad for finding in findings)
        said = {"edge_runtime": version("edge-runtime"), "fine": not bad, "findings": [f.as_json() for f in findings]}
        tell(json.dumps(said, ensure_ascii=False))
    else:
        tell(in_words(findings))
    return int(any(finding.state.is_bad for finding in findings))


def examine(machine: Machine, place: str | Path | None = None, source: str | None = None) -> list[Finding]:
    """Make every check. ``place``: a home, a folder of releases or a publisher, by default the service's; ``source``: what it
    watches."""
    if place is None and machine.exists(STATE_FOLDER):
        place = machine.at(STATE_FOLDER)
    software = [python(machine), packages(machine), processor(machine)]
    if any(finding.state.is_bad for finding in software):  # what looks at chip and release stands on these itself
        named = None if place is None or is_url(place) else Path(place)
        return [*software, *cameras(machine, source), note("release", UNSEEN), *_hardware(machine, place=named)]
    from edge_runtime.doctor.chips import chips
    from edge_runtime.doctor.releases import look

    here = look(machine, place)
    seen = [*chips(machine, here.release), *cameras(machine, source), *here.findings]
    return [*software, *seen, *_hardware(machine, here.pulled, here.place, here.size)]


def _hardware(
    machine: Machine, pulled: float | None = None, place: Path | None = None, size: int | None = None
) -> list[Finding]:
    return [
        clock(machine, pulled),
        disk(machine, (place or Path.cwd()).absolute(), size),
        memory(machine),
        temperature(machine),
        throttling(machine),
    ]


def in_words(findings: Sequence[Finding]) -> str:
    """A line for each finding, its cure below."""
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.state.value:<8}{finding.check:<{width}}  {finding.said}")
        if finding.cure and finding.state.is_bad:
            lines.append(f"{'':<{8 + width}}  → {finding.cure}")
    bad = sum(finding.state.is_bad for finding in findings)
    return "\n".join([*lines, "all is well" if not bad else f"{bad} of {len(findings)} need somebody"])
