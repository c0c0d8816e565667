"""What a check says of the records of artifacts."""

import dagster as dg
import pytest

from pcr_assets import layout
from pcr_assets.resources.project import Project


@pytest.fixture
def asked(tmp_path):
    """Publish records under their artifacts' names, then ask a check."""
    project = Project(store=str(tmp_path))

    def ask(check: dg.AssetChecksDefinition, **records):
        for name, record in records.items():
            project.artifacts.publish(getattr(layout, name), {}, digest="0" * 64, record=record)
        return check(project=project)

    return ask
