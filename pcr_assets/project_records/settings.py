"""The section ``records`` of the profile: where prices come from, and what cloud and edge are compared for."""

import re

from pydantic import Field, field_validator

from pcr_assets.settings import Strict

SHIPPED = "shipped"
NONE = "none"


class RecordsSettings(Strict):
    """What the records can't read from what was made. Every figure here is a statement of the profile, not a measurement."""

    prices: str = SHIPPED
    """``shipped``, or a YAML file like ``project_records/prices.yaml``."""
    history: str = SHIPPED
    """``shipped``, ``none``, or a YAML file like ``project_records/history.yaml``."""
    queries_a_day: int = Field(10000, gt=0)
    endpoint_instance: str = "ml.c5.xlarge"
    device_usd: float = Field(150.0, ge=0)
    """What a device costs once, US dollars."""
    device_usd_a_year: float = Field(6.0, ge=0)
    """What it costs to run for a year."""
    batch_hours_a_day: float = Field(1.0, gt=0, le=24)
    """Hours for which the endpoint's instance would be rented a day, were all queries answered in one batch."""
    spot_saving: float = Field(0.7, ge=0, lt=1)
    """The share of the listed price that training on spot capacity saves."""
    mlflow_server: str = ""
    """The URL of an MLflow server that is told of the runs besides the store's own database, such as ``http://127.0.0.1:5000``."""
    ask_bucket: bool = False
    """Whether the asset check asks the bucket for its lifecycle rules: that takes a right more than building does."""

    @field_validator("mlflow_server")
    @classmethod
    def _is_a_server(cls, url: str) -> str:
        if url and not re.fullmatch(r"https?://[^@\s]+", url):
            raise ValueError(
                "must be the URL of a server, such as http://127.0.0.1:5000, without a name or a password: MLflow reads them "
                "from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        return url
