"""The Dagster instance that ``dagster.yaml`` names: records and logs in ``DAGSTER_HOME``, or where a whole team sees them.

Dagster's YAML can't choose by an environment variable, but its instance class may give other defaults. These are ours;
a block ``storage`` or ``compute_logs`` in the YAML still wins. Nothing here is imported by an asset.
"""

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef  # internal, dagster 1.13
from dagster._serdes import ConfigurableClassData  # internal, dagster 1.13

POSTGRES = "PCR_DAGSTER_POSTGRES_URL"
LOGS = "PCR_DAGSTER_LOGS"
KNOWN = "1.13."
"""The Dagster whose insides :mod:`pcr_assets.event_log` was written for: any other opens its records itself, more slowly."""


class InstanceError(Exception):
    """The instance can't be opened as the environment asks; the message says what to do, and never holds a password."""


class Instance(dg.DagsterInstance):
    """SQLite, or PostgreSQL where ``PCR_DAGSTER_POSTGRES_URL`` is set; logs of runs in ``s3://…`` of ``PCR_DAGSTER_LOGS``."""

    @classmethod
    def config_schema(cls) -> dict[str, Any]:
        """Dagster asks for the settings of its own that a class adds to the YAML: none."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """What holds where ``dagster.yaml`` says nothing. Raises InstanceError."""
        defaults = dict(InstanceRef.config_defaults(base_dir))
        if url := os.environ.get(POSTGRES):
            defaults |= _records(url)
        elif "?" in base_dir:  # to the address of an SQLite file options follow: it would lie in another folder
            raise InstanceError(
                f"Dagster can't keep its records in {base_dir}: name a STORE, or a DAGSTER_HOME, without a ?"
            )
        elif (of_dagster := defaults["storage"]) and dg.__version__.startswith(KNOWN):
            defaults["storage"] = ConfigurableClassData("pcr_assets.event_log", "SqliteStorage", of_dagster.config_yaml)
        if url := os.environ.get(LOGS):
            defaults["compute_logs"] = _logs(url)
        return defaults


def _records(url: str) -> dict[str, ConfigurableClassData]:
    if not re.match(r"postgresql(\+psycopg2)?://", url):
        raise InstanceError(f"{POSTGRES} must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    if find_spec("dagster_postgres") is None:
        raise InstanceError(f"{POSTGRES} needs dagster-postgres: pip install -c constraints.txt '.[team]'")
    # The variable's name, not the URL: this is handed to the processes of runs on their command lines.
    named = yaml.safe_dump({"postgres_url": {"env": POSTGRES}})
    classes = {
        "storage": "DagsterPostgresStorage",
        "run_storage": "PostgresRunStorage",
        "event_log_storage": "PostgresEventLogStorage",
        "schedule_storage": "PostgresScheduleStorage",
    }
    return {part: ConfigurableClassData("dagster_postgres", name, named) for part, name in classes.items()}


def _logs(url: str) -> ConfigurableClassData:
    found = re.fullmatch(r"s3://([^/]+)(?:/(.*?))?/?", url)
    if not found:
        raise InstanceError(f"{LOGS} must be s3://BUCKET or s3://BUCKET/PREFIX, is {url}")
    bucket, prefix = found.groups()
    where = {"bucket": bucket, "prefix": prefix or "logs", "skip_empty_files": True}
    for setting, variable in (("endpoint_url", "PCR_S3_ENDPOINT"), ("region", "PCR_S3_REGION")):
        if os.environ.get(variable):
            where[setting] = os.environ[variable]
    return ConfigurableClassData("dagster_aws.s3", "S3ComputeLogManager", yaml.safe_dump(where))
