"""The one argument of a program that trains or makes something: a job file, as an asset writes it beside its work."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pcr_assets.settings import mistakes


def read(program: str, about: str | None, arguments: Sequence[str], kind: type[BaseModel] | None = None) -> Any:
    """The job that the arguments name: JSON, or of a ``kind``. ``about``: the program's docstring.

    Where they name none, or what they name is none, the program ends with one sentence about it.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=(about or "").partition(" ``")[0])
    parser.add_argument(
        "job", type=Path, metavar="JOB.json", help="what to make of what; assets write such files in the scratch folder"
    )
    file = parser.parse_args(arguments).job
    try:
        job = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        parser.exit(1, f"{file} can't be read ({error}): name a job file\n")
    if not isinstance(job, dict):
        parser.exit(1, f"{file} holds no JSON object: name a job file\n")
    if kind is None:
        return job
    if wrong := mistakes(kind, job, "job"):
        parser.exit(1, f"{file}: {'; '.join(wrong)}\n")
    return kind.model_validate(job)
