# The pipeline: webserver, daemon and code location are this image with different commands. Build from the repository root.
FROM python:3.11-slim-bookworm
RUN useradd --create-home pcr && mkdir -p /opt/dagster /store && chown pcr /opt/dagster /store
WORKDIR /opt/pcr
COPY constraints.txt setup.py pyproject.toml ./
COPY edge_runtime edge_runtime
COPY pcr_assets pcr_assets
RUN pip install --no-cache-dir -c constraints.txt ./edge_runtime .
COPY workspace.yaml ./
COPY dagster.yaml /opt/dagster/dagster.yaml
ENV DAGSTER_HOME=/opt/dagster PCR_STORE=/store PYTHONUNBUFFERED=1
USER pcr
CMD ["dagster-daemon", "run", "-w", "/opt/pcr/workspace.yaml"]
