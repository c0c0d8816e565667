"""What SageMaker's registry is told of a model: the archive, how it is called, what was measured, and where it comes from."""

import json
import re
from typing import Any

from pcr_assets import digests
from pcr_assets.cloud.clients import CloudError
from pcr_assets.project_records.manifest import PROJECT
from pcr_assets.project_records.model_card import USES
from pcr_assets.project_records.models import ModelRecord
from pcr_assets.resources.artifacts import Artifact
from pcr_assets.serving.packing import Packed
from pcr_assets.serving.settings import ServingSettings

PENDING = "PendingManualApproval"
DIGEST = "sha256"
"""Entry of a package's own metadata: the digest of what its archive holds. By it a package is found again."""
TAKES = ["application/x-image", "image/jpeg"]
GIVES = ["application/json"]
IMAGE = "image"
"""Entry of the metadata: the container. Another one is another package, for only what was approved is served."""
MOST_LETTERS = 256
"""Of a value of a package's metadata."""
NO_LETTER = r"[^\w .:/=+@-]"
"""What SageMaker takes in no such value."""


def request(
    packed: Packed, packages: Artifact, root: str, model: ModelRecord, settings: ServingSettings
) -> dict[str, Any]:
    """The request that creates a package. ``root``: the store's URL. Raises CloudError where SageMaker can't reach a thing."""
    if not root.startswith("s3://"):
        raise CloudError(f"SageMaker reads models from a bucket, and {root} is a folder: set PCR_STORE=s3://BUCKET")
    if not settings.image:
        raise CloudError(
            "serving.image is empty: name the container in your profile (docs/deployment.md says how it is made)"
        )
    where = {name: f"{root}/{packages.files[name].key}" for name in (packed.file, packed.metrics_file)}
    asked = {
        "ModelPackageGroupName": settings.group,
        "ModelPackageDescription": f"{packed.model} {packed.version}: a card's picture to a unit vector of {packed.embedding_dim}",
        "InferenceSpecification": {
            "Containers": [{"Image": settings.image, "ModelDataUrl": where[packed.file]}],
            "SupportedContentTypes": TAKES,
            "SupportedResponseMIMETypes": GIVES,
            "SupportedRealtimeInferenceInstanceTypes": [settings.endpoint.instance],
            "SupportedTransformInstanceTypes": [settings.transform.instance],
        },
        "ModelApprovalStatus": PENDING,
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": where[packed.metrics_file]}}
        },
        "CustomerMetadataProperties": _lineage(packed, packages, model) | {IMAGE: settings.image},
        "ModelCard": {"ModelCardContent": json.dumps(card(packed, model)), "ModelCardStatus": "PendingReview"},
    }
    # The same request under the same token is one package, also when two register it at once.
    return {**asked, "ClientToken": digests.of_json(asked)[:36]}


def card(packed: Packed, model: ModelRecord) -> dict[str, Any]:
    """The model card of a package, in the simpler of SageMaker's two schemas.

    https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html#model-card-schema
    """
    recall = model.metrics.get("recall", {})
    groups = [
        {
            "name": f"{strength} camera",
            "metric_data": [
                {"name": name, "type": "number", "value": judged[name]}
                for name in ("recall_at_1", "recall_at_5")
                if name in judged
            ],
        }
        for strength, judged in recall.items()
    ]
    said = "Queries are test cards, never trained on, seen by a simulated camera. Only labelled photos may be called accuracy."
    evaluated = [{"name": "test cards", "evaluation_observation": said, "metric_groups": groups}] if groups else []
    return {
        "model_overview": {"model_creator": PROJECT, "model_artifact": [packed.file]},
        "intended_uses": {
            "purpose_of_model": "A picture that is nothing but a card becomes a vector; the nearest scans are the candidates.",
            "intended_uses": USES[model.type],
            "factors_affecting_model_efficiency": "Glare, blur, sleeves, and prints that differ in a number alone.",
            "risk_rating": "Unknown",
        },
        **({"evaluation_details": evaluated} if evaluated else {}),
        "additional_information": {
            "caveats_and_recommendations": "What the gallery does not hold must be refused; thresholds are no part of a model.",
            "custom_details": {name: value for name, value in _told(packed, model).items() if value},
        },
    }


def _told(packed: Packed, model: ModelRecord) -> dict[str, str]:
    return {
        "architecture": model.architecture or "",
        "parameters": str(model.parameters or ""),
        "input": "×".join(map(str, packed.input_size)),
        "licence": packed.licence,
        "trained": model.training_date or "",
        "parent": model.parent_model or "",
    }


def _lineage(packed: Packed, packages: Artifact, model: ModelRecord) -> dict[str, str]:
    """What is kept with the package: what it is, and what it is made of."""
    found = {
        "model": packed.model,
        "version": packed.version,
        DIGEST: packed.digest,
        "model_digest": packed.model_digest,
        "archive_sha256": packages.files[packed.file].sha256,
        "embedding_dim": str(packed.embedding_dim),
        "input_size": "x".join(map(str, packed.input_size)),
        "teacher_license": packed.licence,
        "parent": model.parent_model or "none",
        "relationship": model.relationship or "none",
    }
    return {name: re.sub(NO_LETTER, "-", value)[:MOST_LETTERS] for name, value in found.items()}
