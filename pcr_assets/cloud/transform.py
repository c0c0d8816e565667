"""``python -m pcr_assets.cloud.transform INPUT OUTPUT --to FILE``: a batch transform over a prefix of a bucket.

The machines are rented for the job alone. What the container answers for each picture is gathered into one file, as
:mod:`pcr_assets.serving.batch` writes it.
"""

import argparse
import json
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pcr_assets import layout, settings
from pcr_assets.cloud import clients, registry
from pcr_assets.cloud.clients import CloudError, if_there, told
from pcr_assets.cloud.model_package import GIVES, TAKES
from pcr_assets.cloud.patience import until
from pcr_assets.cloud.undoing import tell, undone
from pcr_assets.command_options import BUCKET, INTERRUPTED, add_profile, add_store, purpose
from pcr_assets.project_records.manifest import PROJECT
from pcr_assets.resources.artifacts import Artifacts
from pcr_assets.resources.store import Missing, Store, StoreError, open_store
from pcr_assets.serving import batch
from pcr_assets.serving.batch import BatchError, Row
from pcr_assets.serving.settings import ServingSettings, serving_settings
from pcr_assets.settings import SettingsError

MOST_MB = 6
OVER = {"Completed", "Failed", "Stopped"}
ANSWER = ".out"
"""What SageMaker adds to a picture's name."""


def run(sagemaker: Any, package: str, pictures: str, output: str, chosen: ServingSettings, name: str = "") -> str:
    """Transform what lies at ``pictures`` into ``output`` (URLs of a bucket) and wait; gives the job's name. Raises CloudError.

    The model is made for the job and removed after it. A job that fails, or whose waiting is interrupted, is stopped.
    """
    for url in (pictures, output):
        if not url.startswith("s3://"):
            raise CloudError(f"{url} is no bucket: a batch transform reads and writes s3://…")
    if not chosen.role:
        raise CloudError("serving.role is empty: name the role that SageMaker takes on (docs/deployment.md)")
    name = name or f"{PROJECT}-{uuid.uuid4().hex[:12]}"
    tags = [{"Key": "project", "Value": PROJECT}]
    container = [{"ModelPackageName": package}]
    with undone() as undo:
        with told("create the model of the job", "sagemaker:CreateModel, and iam:PassRole for serving.role"):
            sagemaker.create_model(
                ModelName=name,
                Containers=container,
                ExecutionRoleArn=chosen.role,
                EnableNetworkIsolation=chosen.isolated,
                Tags=tags,
            )
        undo.append((f"model {name}", lambda: _remove_model(sagemaker, name)))
        # Noted before it is started: a request whose answer is lost may have started it all the same.
        undo.append((f"transform job {name}", lambda: _stop(sagemaker, name)))
        with told(f"start the job {name}", "sagemaker:CreateTransformJob"):
            sagemaker.create_transform_job(**_request(name, pictures, output, chosen), Tags=tags)
        _wait(sagemaker, name, chosen.transform.patience_minutes * 60)
    _remove_model(sagemaker, name)
    return name


def _remove_model(sagemaker: Any, name: str) -> None:
    with told("remove the model of the job", "sagemaker:DeleteModel"):
        sagemaker.delete_model(ModelName=name)


def gather(store: Store, pictures: Sequence[str]) -> Iterator[Row]:
    """The answers in a folder or bucket, a row for each picture's key. Raises StoreError."""
    for key in pictures:
        try:
            answer = json.loads(store.read(f"{key}{ANSWER}"))
        except Missing:
            yield Row(key, reason=f"{key} got no answer: the job's log in CloudWatch may say why")
            continue
        except ValueError:
            yield Row(key, reason=f"{key}{ANSWER} is no JSON: another container made it")
            continue
        if "embeddings" in answer:
            yield Row(key, np.array(answer["embeddings"][0], np.float32))
        else:
            yield Row(
                key, reason=str(answer.get("quarantined", "the container gave no reason")).replace("the upload", key)
            )


def _request(name: str, pictures: str, output: str, chosen: ServingSettings) -> dict[str, Any]:
    asked = chosen.transform
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{pictures.rstrip('/')}/"}
    return {
        "TransformJobName": name,
        "ModelName": name,
        "BatchStrategy": "SingleRecord",
        "MaxConcurrentTransforms": asked.at_once,
        "MaxPayloadInMB": MOST_MB,
        "TransformInput": {"DataSource": {"S3DataSource": source}, "ContentType": TAKES[0], "SplitType": "None"},
        "TransformOutput": {"S3OutputPath": output.rstrip("/"), "Accept": GIVES[0]},
        "TransformResources": {"InstanceType": asked.instance, "InstanceCount": asked.instances},
    }


def _wait(sagemaker: Any, name: str, seconds: float) -> None:
    def over() -> dict[str, Any] | None:
        found = if_there(sagemaker.describe_transform_job, TransformJobName=name)
        return found if found and found["TransformJobStatus"] in OVER else None

    with told(f"look at the job {name}", "sagemaker:DescribeTransformJob"):
        found = until(over, f"the job {name}", seconds)
    if found["TransformJobStatus"] != "Completed":
        why = found.get("FailureReason") or "it does not say why"
        raise CloudError(f"the job {name} ended as {found['TransformJobStatus']}: {why}")


def _stop(sagemaker: Any, name: str) -> None:
    """End a job that may still run."""
    from botocore.exceptions import ClientError

    with told(f"stop the job {name}", "sagemaker:StopTransformJob"):
        try:
            sagemaker.stop_transform_job(TransformJobName=name)
        except ClientError as error:
            over = error.response["Error"].get("Code") in {"ValidationException", "ResourceNotFound"}
            if not over:  # those say that it is over already
                raise


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Exit code: 0 done, 1 AWS or the store refused or no picture was embedded, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pcr_assets.cloud.transform", description=purpose(__doc__))
    parser.add_argument("pictures", metavar="INPUT", help="s3://BUCKET/PREFIX of pictures, and of nothing else")
    parser.add_argument("output", metavar="OUTPUT", help="s3://BUCKET/PREFIX of the answers")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE", help="all answers in one, .jsonl or .parquet")
    add_store(parser, BUCKET)
    add_profile(parser)
    given = parser.parse_args(argv)
    try:
        batch.refuse_unwritable(given.to)
        chosen = serving_settings(settings.load(given.profile))
        artifacts = Artifacts(open_store(f"{given.store}/{layout.PROJECT}"))
        sagemaker = clients.client("sagemaker")
        _, entry = registry.to_serve(sagemaker, artifacts, chosen.endpoint.model)
        keys = [found.key for found in open_store(given.pictures).list()]
        if not keys:
            raise CloudError(f"there is nothing at {given.pictures}")
        run(sagemaker, entry.arn, given.pictures, given.output, chosen)
        good, bad = batch.write(gather(open_store(given.output), keys), given.to)
    except (CloudError, StoreError, SettingsError, BatchError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        tell("stopped: no job of this command goes on, and no model of it is left")
        return INTERRUPTED
    return batch.told(given.to, good, bad)


if __name__ == "__main__":
    sys.exit(main())
