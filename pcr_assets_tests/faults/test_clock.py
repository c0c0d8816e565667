"""A machine whose clock is wrong: the server refuses its signatures, and the cure is told."""

from datetime import UTC, datetime, timedelta

import pytest

from pcr_assets.resources.store import StoreError, open_store


@pytest.mark.parametrize(("minutes", "said"), [(-60, "60 minutes slow"), (45, "45 minutes fast")])
@pytest.mark.parametrize("ask", ["read", "size"])
def test_a_clock_that_is_wrong_is_one_sentence(bucket, monkeypatch, minutes, said, ask):
    class Wrong(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=minutes)

    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: Wrong.now(UTC).replace(tzinfo=None))
    monkeypatch.setattr("pcr_assets.resources.s3_errors.datetime", Wrong)
    with pytest.raises(StoreError, match=f"refused .*/a .*the clock of this machine is {said}: set it"):
        getattr(open_store(bucket), ask)("a")
