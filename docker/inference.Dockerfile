# Embeddings for SageMaker's endpoints and batch transforms: /ping and /invocations on 8080. No torch, no Dagster. Build from the
# repository root, for the architecture of the instance (ml.c5 is amd64):
#   docker buildx build --platform linux/amd64 --provenance false -f docker/inference.Dockerfile -t pcr-inference:0.1.0 .
# SageMaker unpacks a model.tar.gz in /opt/ml/model and runs `IMAGE serve`. Try it here with an unpacked archive:
#   docker run --read-only --cap-drop ALL --tmpfs /tmp -v ./model:/opt/ml/model:ro -p 127.0.0.1:8080:8080 pcr-inference:0.1.0 serve
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/inference/venv
WORKDIR /src
COPY constraints.txt ./
COPY edge_runtime/pyproject.toml edge_runtime/
COPY edge_runtime/edge_runtime edge_runtime/edge_runtime
RUN /opt/inference/venv/bin/pip install -c constraints.txt './edge_runtime[serve]' \
    && /opt/inference/venv/bin/pip uninstall -y pip setuptools

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 1000 --user-group --no-create-home inference
COPY --from=build /opt/inference/venv /opt/inference/venv
ENV PATH=/opt/inference/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/ping', timeout=4)"]
# What SageMaker says comes after this: `serve`.
ENTRYPOINT ["python", "-m", "edge_runtime.inference", "--bind", "0.0.0.0"]
CMD ["serve"]
