"""What must be there before the services start: the tables of Dagster's records, and the bucket, with versions kept."""

import os
import subprocess

import boto3
from botocore.exceptions import ClientError

OLD_VERSIONS = {
    "ID": "ExpireOldVersions",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    "Expiration": {"ExpiredObjectDeleteMarker": True},
}
"""Without it `make gc` frees nothing: what it removes stays as an old version, and of each publisher's turn two are left."""


def prepare_bucket() -> None:
    """Make the bucket of ``PCR_STORE``, unless it is there: then its settings are its owner's affair."""
    bucket = os.environ["PCR_STORE"].removeprefix("s3://").partition("/")[0]
    s3 = boto3.client("s3", endpoint_url=os.environ.get("PCR_S3_ENDPOINT"), region_name=os.environ.get("PCR_S3_REGION"))
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        elsewhere = s3.meta.region_name != "us-east-1"  # which AWS takes for granted, and refuses to be told
        where = {"CreateBucketConfiguration": {"LocationConstraint": s3.meta.region_name}} if elsewhere else {}
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [OLD_VERSIONS]})
        print(f"made the bucket {bucket}")


if __name__ == "__main__":
    prepare_bucket()
    subprocess.run(["dagster", "instance", "migrate"], check=True)
