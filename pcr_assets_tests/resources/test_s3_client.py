"""How an S3 server is found and spoken to: credentials, profiles, roles, addresses, and what is wrong with them."""

import pytest

from pcr_assets.resources.s3_client import S3Settings, connect
from pcr_assets.resources.store import StoreError, open_store


@pytest.mark.faults
@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_credentials_that_the_server_does_not_know_are_one_sentence(bucket, monkeypatch, name):
    monkeypatch.setenv(name, "wrong")
    with pytest.raises(StoreError, match="the credentials are wrong or have expired; name others: AWS_PROFILE"):
        open_store(bucket).read("a")


@pytest.mark.faults
def test_no_credentials_are_one_sentence(bucket, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StoreError, match=f"no AWS credentials for {bucket}"):
        open_store(bucket).read("a")


@pytest.mark.faults
def test_a_profile_that_is_not_there_is_one_sentence(bucket, monkeypatch):
    monkeypatch.setenv("PCR_S3_PROFILE", "nobody")
    with pytest.raises(StoreError, match=r"no AWS credentials for .*nobody.*set AWS_PROFILE"):
        open_store(bucket).read("a")


def test_a_profile_of_the_aws_configuration_is_used(bucket, s3_server, monkeypatch, tmp_path):
    keys = f"aws_access_key_id={s3_server.access_key}\naws_secret_access_key={s3_server.secret_key}\n"
    (tmp_path / "credentials").write_text(f"[cards]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("PCR_S3_PROFILE", "cards")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    store = open_store(bucket)
    store.write("a", b"card")
    assert store.read("a") == b"card"


def test_keys_that_are_renewed_in_their_file_are_used_by_a_process_that_has_read_the_old_ones(
    bucket, s3_server, monkeypatch, tmp_path
):
    """As a webserver or a daemon has, which runs for longer than such keys last."""
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file.write_text("[default]\naws_access_key_id=expired\naws_secret_access_key=expired\n")
    with pytest.raises(StoreError, match="the credentials are wrong or have expired"):
        open_store(bucket).write("a", b"card")
    keys = f"aws_access_key_id={s3_server.access_key}\naws_secret_access_key={s3_server.secret_key}\n"
    file.write_text(f"[default]\n{keys}")
    open_store(bucket).write("a", b"card")


def test_a_role_is_assumed_before_the_first_request(monkeypatch):
    """Against moto: SeaweedFS gives out no roles without a configuration of its own."""
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    role = "arn:aws:iam::123456789012:role/cards"
    with mock_aws():
        client = connect(S3Settings(region="us-east-2", role=role))
        client.create_bucket(Bucket="cards", CreateBucketConfiguration={"LocationConstraint": "us-east-2"})
        credentials = client._request_signer._credentials
        assert credentials.method == "assume-role"
        assert credentials.access_key.startswith("ASIA")


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [("PCR_S3_ENDPOINT", "127.0.0.1:9000", "write a URL"), ("PCR_S3_PATH_STYLE", "perhaps", "write 1 or 0")],
)
def test_a_setting_that_makes_no_sense_is_one_sentence(monkeypatch, name, value, cure):
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=f"{name} is {value}: {cure}"):
        open_store("s3://cards")


def test_a_password_in_an_address_is_refused_without_repeating_it(monkeypatch):
    monkeypatch.setenv("PCR_S3_ENDPOINT", "http://me:hunter2@127.0.0.1:9000")
    with pytest.raises(StoreError, match="holds a password: put keys into AWS_ACCESS_KEY_ID") as refused:
        open_store("s3://cards")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PCR_S3_ENDPOINT", "http://[::1"),
        ("PCR_S3_ENDPOINT", "http://s3:9000\r"),
        ("AWS_ENDPOINT_URL", "s3:9000"),
        ("PCR_S3_REGION", "us east"),
    ],
)
def test_an_address_or_a_region_that_is_none_is_one_sentence(monkeypatch, name, value):
    """It was a traceback, and of the registry's command the advice to remove what lies in the bucket."""
    monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=f"no S3 server can be asked .*mend .*{name}"):
        open_store("s3://cards").read("a")


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        (S3Settings(region="us-east-2"), "https://cards.s3.us-east-2.amazonaws.com/a"),
        (S3Settings(region="us-east-2", path_style=True), "https://s3.us-east-2.amazonaws.com/cards/a"),
        (S3Settings("https://s3.example.org", "garage"), "https://s3.example.org/cards/a"),
        (S3Settings("https://s3.example.org", "garage", path_style=False), "https://cards.s3.example.org/a"),
    ],
)
def test_a_server_of_ones_own_is_asked_in_path_style_and_aws_by_the_buckets_name(settings, url, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")

    class Asked(Exception):
        pass

    def asked(request, **_):
        raise Asked(request.url)

    client = connect(settings)
    client.meta.events.register("before-send.s3", asked)
    with pytest.raises(Asked, match=f"^{url}$"):
        client.get_object(Bucket="cards", Key="a")
