# The pipeline: webserver, daemon and code location are this image with different commands. Build from the repository root.
FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 pcr \
    && mkdir -p /opt/dagster/work /opt/dagster/keys /store \
    && chown -R pcr /opt/dagster /store \
    && chmod 700 /opt/dagster/keys
# The head of docker/ray-aws.yaml looks after its workers by ssh; into the containers themselves Ray copies by rsync.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client rsync && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/pcr
# What we depend on, without our own code: an edit of the code doesn't install torch again.
COPY constraints.txt setup.py pyproject.toml ./
COPY edge_runtime/pyproject.toml edge_runtime/
RUN pip install --no-cache-dir -c constraints.txt ./edge_runtime '.[team,cluster]'
COPY edge_runtime edge_runtime
COPY pcr_assets pcr_assets
RUN pip install --no-cache-dir --no-deps --force-reinstall ./edge_runtime .
COPY docker/workspace.yaml docker/close_runs.py docker/prepare.py ./
COPY dagster.yaml /opt/dagster/dagster.yaml
# What is fetched from a bucket is kept in the volume `work`, beside unfinished work.
ENV DAGSTER_HOME=/opt/dagster PCR_STORE=/store XDG_CACHE_HOME=/opt/dagster/work/cache PYTHONUNBUFFERED=1
USER 1000
CMD ["dagster", "--help"]
