"""Which S3 server is spoken to, and how: AWS, or any server that speaks its protocol. Nothing here knows a credential."""

import base64
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pcr_assets.resources.objects import StoreError
from pcr_assets.resources.s3_silence import silence_of

TRIES = 5
"""How often one request is sent, when the server is busy, breaks off or answers with an error of its own."""
CONNECT_SECONDS = 10
SILENT_SECONDS = 60
"""A connection that says nothing for so long is given up and tried again."""
CONNECTIONS = 32
AWS_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}
"""Where AWS's chain reads keys that last for hours and are then written anew, by the variable that names another file."""
MEND = "mend PCR_S3_ENDPOINT or AWS_ENDPOINT_URL, a URL such as http://127.0.0.1:9000, or PCR_S3_REGION or AWS_DEFAULT_REGION"
YES, NO = ("1", "true", "yes"), ("0", "false", "no")


@dataclass(frozen=True)
class S3Settings:
    """Where the server is and as whom we speak to it. What is None is left to the AWS configuration."""

    endpoint: str | None = None
    region: str | None = None
    profile: str | None = None
    role: str | None = None
    """ARN of a role that is assumed with the credentials found, and again before it expires."""
    path_style: bool | None = None
    """``http://host/bucket/key`` instead of ``http://bucket.host/key``. None: with an endpoint of one's own, not on AWS."""
    one_publisher: bool = False
    """A promise: never do two publishers write to this server at once, so it need not keep the conditions of writes."""

    @classmethod
    def of_environment(cls) -> "S3Settings":
        """What ``PCR_S3_ENDPOINT``, ``…_REGION``, ``…_PROFILE``, ``…_ROLE``, ``…_PATH_STYLE`` and ``…_ONE_PUBLISHER`` say.

        Raises StoreError.
        """
        endpoint, region, profile, role = (
            os.environ.get(f"PCR_S3_{name}") or None for name in ("ENDPOINT", "REGION", "PROFILE", "ROLE")
        )
        if endpoint and "@" in endpoint:  # each sentence about the server would repeat it
            raise StoreError(
                "PCR_S3_ENDPOINT holds a password: put keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise StoreError(f"PCR_S3_ENDPOINT is {endpoint}: write a URL, such as http://127.0.0.1:9000")
        return cls(endpoint, region, profile, role, _switch("PCR_S3_PATH_STYLE"), bool(_switch("PCR_S3_ONE_PUBLISHER")))

    @property
    def addressing(self) -> str:
        """botocore's word for the style of addresses."""
        if self.path_style is None:
            return "path" if self.endpoint else "auto"
        return "path" if self.path_style else "virtual"


def _switch(name: str) -> bool | None:
    """What a variable of the environment says, on or off; None where it says nothing. Raises StoreError."""
    said = os.environ.get(name)
    if said and said.lower() not in YES + NO:
        raise StoreError(f"{name} is {said}: write 1 or 0")
    return said.lower() in YES if said else None


def connect(settings: S3Settings, *, create_only: bool = False) -> Any:
    """A boto3 client for S3, shared by threads and by stores: to make one takes longer than to list a bucket.

    With ``create_only``, what it writes is written only where nothing lies: s3transfer can't be told that condition, so
    each request that ends a write gets it. Raises what boto3 raises about profiles, and StoreError.
    """
    try:
        return _client(settings, create_only, said_to_aws())
    except ValueError as error:  # botocore's, of an address or a region that is none
        raise StoreError(f"no S3 server can be asked ({error}): {MEND}") from error


def said_to_aws() -> tuple[Any, ...]:
    """What AWS's chain finds in the environment and in its files: by it one sees that credentials were renewed, which a client that
    has read a file never does."""
    files = [os.environ.get(name) or usual for name, usual in AWS_FILES.items()]
    stats = [(at := Path(file).expanduser()).is_file() and (at.stat().st_mtime_ns, at.stat().st_size) for file in files]
    return (*sorted(item for item in os.environ.items() if item[0].startswith("AWS_")), *stats)


@lru_cache(maxsize=16)
def _client(settings: S3Settings, create_only: bool, said: tuple[Any, ...]) -> Any:
    """A client as long as the settings, and what AWS's chain is told, are the same."""
    del said
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=SILENT_SECONDS,
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        s3={"addressing_style": settings.addressing},
        tcp_keepalive=True,
    )
    client = session_of(settings).client(
        "s3", config=config, endpoint_url=settings.endpoint, region_name=settings.region
    )
    silence_of(client.meta.endpoint_url).heed(client, TRIES, SILENT_SECONDS)
    client.meta.events.register("before-call.s3.DeleteObjects", _with_md5)
    if create_only:
        for last in ("PutObject", "CompleteMultipartUpload"):
            client.meta.events.register(f"provide-client-params.s3.{last}", _where_nothing_lies)
    return client


def session_of(settings: S3Settings) -> Any:
    """A boto3 session by the settings' profile, and in their role if there is one. Raises what boto3 raises about profiles."""
    import boto3

    session = boto3.Session(profile_name=settings.profile)
    if settings.role:
        session = boto3.Session(botocore_session=assuming(settings.role, session), region_name=session.region_name)
    return session


def _with_md5(params: dict[str, Any], **_: Any) -> None:
    """JuiceFS (1.4), whose gateway is an older MinIO, and CloudServer (8.8) remove many objects by this header alone, and boto3
    sends another digest since 1.36."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()


def _where_nothing_lies(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "IfNoneMatch": "*"}


def assuming(role: str, session: Any) -> Any:
    """A botocore session that has assumed a role, and assumes it again whenever its credentials come to their end."""
    import botocore.session
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialProvider,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )

    def client(service: str, **options: Any) -> Any:
        return session.client(service, **{"region_name": session.region_name or "us-east-1", **options})

    class AssumedRole(CredentialProvider):
        METHOD = "assume-role"

        def load(self) -> Any:
            fetcher = AssumeRoleCredentialFetcher(
                client_creator=client,
                source_credentials=session.get_credentials(),
                role_arn=role,
                extra_args={"RoleSessionName": "pcr-assets"},
            )
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    assuming = botocore.session.get_session()
    assuming.register_component("credential_provider", CredentialResolver([AssumedRole()]))
    return assuming
